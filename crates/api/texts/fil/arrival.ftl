arrival-label = I-type ang 6 na digit mula sa mail
arrival-hint = Dumating ba ang test mail? Pinatutunayan iyon ng code na nasa loob nito. Kung hindi mo makita ang mail, tingnan ang iyong spam folder.
arrival-confirm = Kumpirmahin
arrival-confirmed = Dumating: pinatutunayan ng code na nakarating ang test mail.
arrival-since = Dumating noong
arrival-malformed = I-type ang 6 na digit ng code, gaya ng 012 345.
arrival-wrong =
    { $count ->
        [one] Hindi iyan ang code sa mail na ito. Tingnan ulit: 1 beses ka na lang makakasubok.
       *[other] Hindi iyan ang code sa mail na ito. Tingnan ulit: { $count } beses ka pang makakasubok.
    }
arrival-not-taken-expired = Hindi namin alam kung dumating ang test mail: 24 oras lang ang bisa ng code nito. Para malaman, magpadala sa iyong sarili ng bagong test mail.
arrival-not-taken-tries_used_up = 5 maling code na iyan, kaya hindi na tatanggapin ang code ng mail na ito. Magpadala sa iyong sarili ng bagong test mail.
activity-test_run-arrival_confirmed = Dumating ang isang test mail: na-type ang code nito
