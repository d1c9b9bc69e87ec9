arrival-label = Type the 6 digits from the mail
arrival-hint = Did the test mail arrive? The code in it proves that. If you do not see the mail, look into your spam folder.
arrival-confirm = Confirm
arrival-confirmed = Arrived: the code proves that the test mail got through.
arrival-since = Arrived
arrival-malformed = Type the 6 digits of the code, as in 012 345.
arrival-wrong =
    { $count ->
        [one] That is not the code in this mail. Look again: you can try 1 more time.
       *[other] That is not the code in this mail. Look again: you can try { $count } more times.
    }
arrival-not-taken-expired = We do not know whether the test mail arrived: its code was for 24 hours. To find out, send yourself a new test mail.
arrival-not-taken-tries_used_up = That was 5 wrong codes, so this mail’s code is not taken any more. Send yourself a new test mail.
activity-test_run-arrival_confirmed = A test mail arrived: its code was typed in
