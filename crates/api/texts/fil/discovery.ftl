discovery-email = Ang iyong e-mail address
discovery-find = Hanapin ang aking mga setting
discovery-hint = I-type ang address na panggagalingan ng iyong mail, at hahanapin ng Letterhead ang mail server nito. Ang bahagi lamang pagkatapos ng @ ang itinatanong.
discovery-filled = May nahanap na mail server para sa { $email } at napunan na ito sa ibaba. Suriin ito, i-type ang password, saka i-save at i-test. Wala pang na-save.
discovery-nothing = Walang nahanap na mail server para sa { $email }. Piliin ang iyong serbisyo ng mail sa listahan, o itanong sa nag-ayos ng iyong e-mail ang pangalan ng outgoing (SMTP) server.
discovery-incomplete = Hindi nahanap ang lahat sa ngayon, kaya maaaring may iba pa. Subukang muli pagkalipas ng isang minuto.
discovery-refused = Walang hinanap: pakitama ang e-mail address. Nandito pa ang mga na-type mo, maliban sa password.
discovery-too-many =
    { $count ->
        [one] Masyadong maraming paghahanap sa maikling panahon. Makakapaghanap ka muli pagkalipas ng isang segundo. Nandito pa ang mga na-type mo, maliban sa password.
       *[other] Masyadong maraming paghahanap sa maikling panahon. Makakapaghanap ka muli pagkalipas ng { $count } segundo. Nandito pa ang mga na-type mo, maliban sa password.
    }
discovery-found = Mga nahanap
discovery-server = { $host }, port { $port } ({ $encryption })
discovery-filled-in = Napunan na sa ibaba.
discovery-take = Gamitin ang { $host }, port { $port }
discovery-taken = Napunan na sa ibaba ang { $host }. Suriin ito, i-type ang password, saka i-save at i-test. Wala pang na-save.
discovery-confidence-high = Malamang na tama ito.
discovery-confidence-medium = Maaaring tama ito.
discovery-confidence-low = Hindi tumatanggap ng password ang server na ito, kaya malamang na hindi ito magagamit dito.
discovery-why-catalogue = Sa { $provider } ang mga address sa { $domain }.
discovery-why-autoconfig = Inilathala ng { $domain } ang mga setting na ito para sa mga mail program.
discovery-why-srv = Ito ang server na itinala ng { $domain } para sa pagpapadala.
discovery-why-mx = Ang { $provider } ang tumatanggap ng mail para sa { $domain }, kaya malamang na ito rin ang nagpapadala.
