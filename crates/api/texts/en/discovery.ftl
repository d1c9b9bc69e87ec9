discovery-email = Your e-mail address
discovery-find = Find my settings
discovery-hint = Type the address that your mail is to come from, and Letterhead looks for its mail server. Only the part after the @ is asked about.
discovery-filled = A mail server for { $email } was found and filled in below. Check it, type the password, then save and test. Nothing is saved yet.
discovery-nothing = No mail server was found for { $email }. Choose your mail service from the list, or ask whoever set up your e-mail for the name of the outgoing (SMTP) server.
discovery-incomplete = Not everything could be looked up just now, so there may be more. Try again in a minute.
discovery-refused = Nothing was looked up: please correct the e-mail address. What you typed is still here, except the password.
discovery-too-many =
    { $count ->
        [one] Too many searches in a short time. You can search again in one second. What you typed is still here, except the password.
       *[other] Too many searches in a short time. You can search again in { $count } seconds. What you typed is still here, except the password.
    }
discovery-found = What was found
discovery-server = { $host }, port { $port } ({ $encryption })
discovery-filled-in = Filled in below.
discovery-take = Use { $host }, port { $port }
discovery-taken = { $host } is filled in below. Check it, type the password, then save and test. Nothing is saved yet.
discovery-confidence-high = Very likely right.
discovery-confidence-medium = Probably right.
discovery-confidence-low = This server takes no password, so it can probably not be used here.
discovery-why-catalogue = Addresses at { $domain } belong to { $provider }.
discovery-why-autoconfig = { $domain } publishes these settings for mail programs.
discovery-why-srv = { $domain } names this server for sending.
discovery-why-mx = Mail for { $domain } is received by { $provider }, so it is probably sent there, too.
