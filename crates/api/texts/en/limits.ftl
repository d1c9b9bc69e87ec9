limits-title = Limits
limits-back = Back to SMTP Settings
limits-words = How much may leave through this mail account. What waits beyond that leaves by itself later.
limits-lead = Mail services let only so much through an account. Keep to their limits here, and nothing is refused for it: what is beyond them waits and leaves by itself later. A change counts from the next message on; nothing has to be tested again.
limits-form-title = What may leave
limit-messages_per_minute = Messages a minute
limit-messages_per_day = Messages in 24 hours
limit-recipients_per_message = Recipients of one message
limit-connections = Connections at once
limits-known = { $most } (known of the mail service)
limits-none = No limits are known for this account.
limits-edit = Edit limits
limits-save = Save limits
limits-hint-known = Leave this empty for what is known of the mail service: { $most }.
limits-hint-none = Leave this empty for no limit.
limits-out-of-range = Enter a whole number from 1 to { $highest }, or nothing.
limits-refused = Not saved yet: please correct what is marked below. What you typed is still here.
limits-hold-daily_limit = The limit for 24 hours is reached. Mail waits until about
limits-hold-quota = The mail server says that the account’s limit is reached. Mail waits until about
limits-held-until = Limit reached until about
limits-more-than = more than { $what }
limits-waiting = Messages waiting: { $waiting }.
limits-forecast = Messages waiting: { $waiting }. At this account’s limits that takes about { $span }.
did-limits-saved = The limits are saved.
span-minutes =
    { $count ->
        [one] 1 minute
       *[other] { $count } minutes
    }
span-hours =
    { $count ->
        [one] 1 hour
       *[other] { $count } hours
    }
span-days =
    { $count ->
        [one] 1 day
       *[other] { $count } days
    }
