settings-lead = Your digital receipts, billing collections, purchase statements and system notifications leave through these settings, from your own address.
settings-download-pdf = Download PDF
settings-configuration = Configuration
settings-edit = Edit
settings-save = Save
settings-update = Update
settings-cancel = Cancel
settings-test = Test Configurations
settings-test-hint = Tries the saved settings, step by step. No mail is sent.
settings-test-now = Test now
settings-resume = Resume sending
settings-pause = Pause sending
settings-sending = Sending
settings-pause-words = While sending is paused, mail is taken over and waits.
settings-since = Since
settings-server-said = The mail server said:
settings-none = None
settings-empty-title = No mail server is set up yet
settings-empty-words = Have at hand: the name of your mail server, a user name, and its password or app password. Press “Edit”, choose your mail service from the list, and fill in the rest. The guide on this page leads you through it.
settings-empty-viewer = Ask your administrator to set it up. Until then, mail is taken over and waits.
settings-version-live = Version { $version }, live. Saved by { $who },
settings-version-unproven = Version { $version }, not tested yet. Saved by { $who },
settings-candidate = New settings beside the live ones
settings-candidate-words = Version { $version }, saved by { $who }, has not passed a test yet. Until it does, mail goes on leaving through version { $live }. This is what differs:
settings-field = Field
settings-live-now = Live now
settings-not-proven = New, not tested
settings-discard = Discard the new settings
settings-guide = Guide
settings-guide-words = Step by step, on a page or printed:
settings-guide-for = Guide: { $provider }
settings-last-test = Last test
settings-cannot-resume = Sending cannot go on yet: type the password first. Press “Edit”, enter it, press “Update”, and test.
settings-too-many-tests =
    { $count ->
        [one] Too many tests in a short time. You can test again in one second. Nothing was lost, and your settings are as they were.
       *[other] Too many tests in a short time. You can test again in { $count } seconds. Nothing was lost, and your settings are as they were.
    }

settings-provider = Mail service
settings-provider-other = Another mail server
settings-provider-mailboxes = Other mailboxes
settings-provider-sending = Other sending services
settings-provider-hint = Choose your mail service to have host, port and encryption filled in.
settings-fill = Fill in
settings-filled = Host, port and encryption of { $provider } are filled in. Nothing is saved yet.
settings-suggestion = This is an address of
settings-fill-suggested = Fill in its server
settings-more = More: Reply-To
settings-stored-now = Stored now:
settings-refused =
    { $count ->
        [one] Not saved yet: one field needs a correction. What you typed is still here, except the password.
       *[other] Not saved yet: { $count } fields need a correction. What you typed is still here, except the password.
    }
settings-refused-list = Please correct:
settings-stale = Not saved yet: somebody else saved other settings while you were typing. What you typed is still here, except the password.
settings-stale-words = Version { $version } was saved by { $who },
settings-stale-gone = These settings were deleted meanwhile.
settings-stale-what-now = Each field that differs shows what is stored now. Press the blue button to save your values over it, or “Cancel” to keep what is stored.

settings-password-first = The password of this user name, or an app password where your mail service wants one.
settings-password-keep = Leave empty to keep the stored password.
settings-password-gone = The stored password can no longer be read. Type it again.
settings-password-not-needed = Needed only with a user name. Leave both empty if the server takes your mail without signing in.
settings-password-moved = Type the password again: it was stored for another host, user name or kind of encryption, and is not sent anywhere else without you.

password-stored = Stored, never shown
password-gone = Must be typed again
password-not-needed = Not needed
password-before = As before
password-changed = Changed

field-driver = Driver
field-driver-hint = The mail protocol.
field-host = Host
field-host-hint = For example mail.smtp2go.com or smtp.gmail.com
field-port = Port
field-port-hint = Commonly 587 for TLS, 465 for SSL
field-encryption = Encryption
field-username = Username
field-username-hint = Most often your full e-mail address
field-password = Password
field-sender_name = Sender Name
field-sender_name-hint = The name that your customers see
field-sender_email = Sender E-Mail
field-sender_email-hint = The address that your customers see
field-reply_to = Reply-To
field-reply_to-hint = Where answers go, if not to the sender e-mail. May stay empty.

encryption-starttls = TLS (STARTTLS, port 587)
encryption-implicit_tls = SSL (implicit TLS, port 465)
encryption-none = None (not encrypted)

refused-required = Please fill in this field.
refused-too_long = This is too long.
refused-control_character = Leave out line breaks and invisible characters.
refused-unknown_value = Choose one from the list.
refused-host-malformed = Enter a name like smtp.example.com, without https:// and without a port.
refused-host-destination_not_allowed = We may not connect to this host. Check it for typing errors.
refused-port-out_of_range = A port is a number from 1 to 65535; most often 587 or 465.
refused-port-port_not_allowed = Use a port for sending mail: 587 or 465; 2525 where your mail service offers it.
refused-encryption-encryption_required = Choose TLS or SSL: passwords are never sent unencrypted.
refused-password-required = Please type the password.
refused-password-masked = These are dots or stars, not a password. Type it, or leave the field empty to keep the stored one.
refused-password-not_allowed = Enter a user name as well, or leave the password empty.
refused-sender_email-malformed = Enter one plain address such as billing@example.com.
refused-reply_to-malformed = Enter one plain address such as billing@example.com.

state-suspended = Suspended
state-needs_password = Needs password
state-paused = Paused
state-failing = Failing
state-live = Live
state-untested = Untested

notice-suspended-title = Sending is suspended
notice-suspended-words = The company that runs this service has suspended your account. Mail waits. Please contact them.
notice-needs_password-title = The password must be typed again
notice-needs_password-words = The stored password can no longer be read, so nothing can be sent. Mail waits. Press “Edit”, type the password, press “Update”, and test.
notice-auth_refused-title = Sending is paused: the sign-in was refused
notice-auth_refused-words = The mail server did not accept the user name and password. Mail waits, and nothing is lost. Correct the settings and test them: sending goes on by itself once a test has passed.
notice-from_refused-title = Sending is paused: the sender address was refused
notice-from_refused-words = The mail server does not let this account send from the sender e-mail. Mail waits, and nothing is lost. Correct the address and test: sending goes on by itself once a test has passed.
notice-secret_unreadable-title = The password must be typed again
notice-secret_unreadable-words = The stored password can no longer be read, so nothing can be sent. Mail waits. Press “Edit”, type the password, press “Update”, and test.
notice-by_hand-title = Sending is paused
notice-by_hand-words = Somebody paused it. Mail is taken over and waits until you resume.
notice-failing-title = The last tries failed
notice-failing-words = The mail server could not be used three times in a row. Mail waits and is tried again by itself. A test shows where it fails.
notice-untested-title = These settings are not tested yet
notice-untested-words = Mail waits until a test has passed. A test takes a few seconds and sends no mail.
notice-candidate-title = The new settings are not tested yet
notice-candidate-words = The live settings go on sending. Once a test of the new ones passes, they take over.

did-settings-saved = Saved. Test the settings now: they go live once a test has passed.
did-settings-live = Saved. These settings are live.
did-settings-unchanged = Nothing was changed: these settings were stored already.
did-candidate-discarded = The new settings were discarded. The live settings stay as they are.
did-sender-paused = Sending is paused. Mail is taken over and waits.
did-sender-resumed = Sending goes on. What waited leaves now.

provider-username-address = Username: the full e-mail address.
provider-username-given = Username: the SMTP user name from the service’s settings.
provider-username-fixed = Username: the word { $name }, the same for everybody.
provider-username-local_part = Username: only the part of the e-mail address before the @.
provider-username-address_or_local_part = Username: the full e-mail address, or only the part before the @.
provider-username-api_key = Username: the API key from the service’s settings.
provider-username-same_as_password = Username: the same as the password.
provider-username-any = Username: any, for instance your e-mail address; only the password counts.
provider-password-app_password = Password: an app password made for this purpose, not the one you sign in with.
provider-password-mailbox_password = Password: the one of the mailbox, as long as the service still allows that.
provider-password-smtp_password = Password: the SMTP password from the service’s settings, not the one you sign in with.
provider-password-smtp_key = Password: an SMTP key from the service’s settings; an API key does not work.
provider-password-api_key = Password: an API key that may send mail.
provider-password-secret_key = Password: the secret key that belongs to the API key.
provider-password-token = Password: a token from the service’s settings that may send mail.
provider-password-client_secret = Password: the client secret of the application that was registered with the service.
provider-password-authorisation_code = Password: the authorisation code from the mailbox’s settings, not the one you sign in with.
provider-password-none_works = No password works here any more: the service has switched it off. The guide shows what to use instead.
provider-wants-unknown = Username and password: as the service’s settings show them.
provider-note-from_rewritten = Recipients see another sender address if yours is not verified with the service.
provider-note-from_must_be_own = The sender’s address has to be one of this account.
provider-note-sender_must_be_verified = The sender’s address or domain has to be verified with the service first.
provider-note-two_step_first = Turn on two-step verification first: without it there are no app passwords.
provider-note-admin_must_allow = Your administrator may have to allow this first.
provider-note-passwords_end = The service is about to end sign-in with a password.
provider-note-turn_on_first = Turn on access for mail programs (POP3, IMAP, SMTP) in the mailbox’s settings first.
provider-note-region_matters = Choose the server of your own region: at another one the right password is refused.
provider-note-bulk_forbidden = Automated bulk mail is against the service’s rules.
provider-note-sandbox_first = A new account sends only to verified recipients until the service lifts that.
provider-note-activation_first = The service has to activate a new account before it sends.
provider-note-own_domain_only = Works only for addresses at a domain of your own, on certain paid plans.

actor-operator = { $email } (operator)
actor-operator-key = the operator’s program
actor-api-key = your program (API key)
actor-console = the operator, at the command line
actor-service = this service
