skip-to-content = Skip to the content
nav-label = Pages
nav-operator = Operator
nav-setup = Setup
nav-system-settings = System Settings
nav-settings = SMTP Settings
nav-test-runs = Test history
nav-versions = Versions
nav-messages = Messages
nav-activity = Activity
nav-sessions = Signed-in people
nav-guides = Guides
nav-tenants = Tenants
nav-bulk-runs = Tests of many tenants
nav-operator-sessions = Operator sign-ins
languages-label = Language
sign-out = Sign out
go-home = Go to the start page

role-admin = Administrator
role-viewer = Viewer
role-setup = Set-up only
role-operator = Operator

refusal-sign-in-title = Please use a new link
refusal-sign-in-words = You are not signed in, or your session has ended: it ends after 30 minutes without a click, and after 8 hours in any case. Open “SMTP Settings” again in the program you came from, or ask whoever sent you the link for a new one. What you saved is kept.
refusal-cross-site-title = This form was not accepted
refusal-cross-site-words = It was sent from another site, or from a page of an earlier session. Nothing was changed. Go back, load the page again, and try once more.
refusal-form-title = This form could not be read
refusal-form-words = Something in it is missing or far too long. Nothing was changed. Go back, load the page again, and try once more.
refusal-role-title = Your role does not allow this
refusal-role-words = You may look, but this needs another role. Ask your administrator to do it, or to have a link sent to you that allows it.
refusal-not-found-title = There is no such page
refusal-not-found-words = The address may have a typing error, or what it showed is gone.
refusal-stale-title = Somebody else was faster
refusal-stale-words = This was changed while you looked at it. Nothing of yours was saved. Load the page again to see how it is now, and then decide.
refusal-conflict-title = This cannot be done now
refusal-too-many-title = Too many tries
refusal-too-many-words =
    { $count ->
        [one] Please wait one second, then try again. Nothing was lost.
       *[other] Please wait { $count } seconds, then try again. Nothing was lost.
    }
refusal-unavailable-title = One moment, please
refusal-unavailable-words = A part of this service cannot be reached right now. Nothing was lost. Load the page again in a few seconds.
refusal-broken-title = Something went wrong on our side
refusal-broken-words = It is not your fault, and nothing was lost. Load the page again; if it happens once more, tell the company that runs this service.
refusal-incident = Number of this incident: { $id }
