tenants-by-state = Tenants by state
tenants-all = All
tenants-no-settings = No settings yet
tenants-suspended = Suspended
tenants-search = Search
tenants-search-hint = Looks in the tenant’s name and short name, and in the host and sender address of its settings.
tenants-state = State
tenants-service = Mail service
tenants-any = Any
tenants-show = Show
tenants-show-all = Show all tenants
tenants-none-title = No tenant matches
tenants-none-words = Try fewer letters, another state or another mail service.
tenants-empty-title = There are no tenants yet
tenants-empty-words = Create one with POST /v1/tenants, or with “letterhead tenant create”. Then make a link for its people here.
tenants-mark = Mark
tenants-mark-one = Mark { $tenant }
tenants-mark-all = Mark all on this page
tenants-test-selected = Test selected
tenants-test-matching = Test all that match
tenants-test-all = Test all tenants
tenants-test-hint = A test signs in to each mail server. No mail is sent.
tenants-tenant = Tenant
tenants-manage = Manage
tenants-last-test = Last test
tenants-last-accepted = Last mail accepted by the server
tenants-waiting = Waiting
tenants-failed = Not accepted (7 days)
tenants-never = Never
tenants-more =
    { $count ->
        [one] and one more sender
       *[other] and { $count } more senders
    }
tenants-first = First page
tenants-next = Next page

tenant-slug = Short name
tenant-id = Id
tenant-created = Created
tenant-suspension = Suspend
tenant-is-suspended = This tenant is suspended. New mail is refused, and what waits stays.

suspend-title = Suspend { $tenant }?
suspend-words = While a tenant is suspended, new mail is refused and nothing leaves. What waits stays, and goes on when you resume the tenant. Its people can still sign in and look.
suspend-button = Suspend this tenant
resume-title = Resume { $tenant }?
resume-words = What waits goes on leaving at once, and new mail is taken again.
resume-button = Resume this tenant
operator-back = Back

did-tenant-suspended = The tenant is suspended. Nothing of it leaves any more.
did-tenant-resumed = The tenant works again. What waited goes on leaving.
nobody-to-test = Nothing was tested: mark at least one tenant, or search for others.
did-bulk-run-cancelled = Cancelled. Tests that had begun end by themselves; the others are left out.

link-title = Make a portal link
link-words = A link lets one person into this tenant’s pages, once. The activity names them by this e-mail address.
link-email = E-mail address
link-name = Name
link-role = Role
link-role-hint = An administrator may do everything. A viewer may only look. Set-up only is for an IT person who enters and tests the settings; such a link waits for 7 days, the others for 10 minutes.
link-make = Make the link
link-refused = No link was made: please correct what is marked.
link-email-refused = Enter a full e-mail address, such as ann@example.com.
link-name-refused = Enter a name of at most 100 letters.
link-made = The link is made.
link-made-words = Send this link to { $email }.
link-made-once = It is shown only now, and works once.
link-url = Link
link-copy = Copy the link
link-copied = Copied
link-works-until = Works until

bulk-title = Test of many tenants
bulk-goes-on = Running
bulk-ends = Ending
bulk-cancelled = Cancelled
bulk-finished = Finished
bulk-progress = { $done } of { $total } done
bulk-scope-all = All tenants
bulk-scope-selection = Marked tenants
bulk-scope-filter = Tenants found by: { $filter }
bulk-empty-title = Nothing was tested yet
bulk-empty-words = Open “Tenants”, mark some or search for them, and press “Test selected” or “Test all that match”.
bulk-begun = Started
bulk-ended = Ended
bulk-target = Which tenants
bulk-status = Progress
bulk-who = Started by
bulk-not-tested = Not tested
bulk-status-waiting = Waiting
bulk-status-running = Being tested
bulk-status-passed = Passed
bulk-status-failed = Failed
bulk-status-skipped = Skipped
bulk-status-cancelled = Cancelled
bulk-cancel = Cancel the rest
bulk-look-again = Show the results so far
bulk-leave = You may leave this page; the test goes on.
bulk-results = Results by cause
bulk-no-results-yet = Nothing has failed so far.
bulk-all-passed = Nothing failed and nothing was skipped.
bulk-nobody = There is nobody in this group.
bulk-see-test = See the test
bulk-tenants =
    { $count ->
        [one] 1 tenant
       *[other] { $count } tenants
    }
bulk-more =
    { $count ->
        [one] and one more
       *[other] and { $count } more
    }
bulk-service-unknown = The mail server
bulk-cause-auth_bad_password = { $service } refused the user name or password
bulk-cause-auth_app_password_needed = { $service } wants an app password
bulk-cause-sender_refused = { $service } refused the sender address
bulk-cause-no_connection = no connection on port { $port }
bulk-cause-port_blocked = our port { $port } is blocked, it seems: no server was reached there
bulk-skipped-no_sender = no settings yet
bulk-skipped-suspended = suspended
bulk-skipped-too_many_tests = too many tests in a short time; test again later
bulk-skipped-gone = deleted meanwhile
bulk-skipped-broken = something went wrong on our side; the log says what
