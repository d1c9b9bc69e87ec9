settings-lead = Sa mga setting na ito dumaraan ang iyong mga digital na resibo, paniningil, purchase statement at abiso ng sistema, mula sa sarili mong address.
settings-download-pdf = I-download ang PDF
settings-configuration = Configuration
settings-edit = I-edit
settings-save = I-save
settings-update = I-update
settings-cancel = Kanselahin
settings-test = I-test ang Configurations
settings-test-hint = Sinusubukan nang hakbang-hakbang ang mga naka-save na setting. Walang mail na ipinapadala.
settings-test-now = I-test ngayon
settings-resume = Ituloy ang pagpapadala
settings-pause = I-pause ang pagpapadala
settings-sending = Pagpapadala
settings-pause-words = Habang naka-pause, tinatanggap pa rin ang mail at naghihintay ito.
settings-since = Mula noong
settings-server-said = Sabi ng mail server:
settings-none = Wala
settings-empty-title = Wala pang nakatakdang mail server
settings-empty-words = Ihanda ang mga ito: pangalan ng iyong mail server, username, at ang password o app password nito. Pindutin ang “I-edit”, piliin ang iyong serbisyo ng mail sa listahan, at punan ang natitira. Gagabayan ka ng gabay sa pahinang ito.
settings-empty-viewer = Ipa-setup ito sa iyong tagapangasiwa. Hanggang doon, tinatanggap ang mail at naghihintay ito.
settings-version-live = Bersyon { $version }, live. Na-save ni { $who },
settings-version-unproven = Bersyon { $version }, hindi pa na-test. Na-save ni { $who },
settings-candidate = Bagong setting katabi ng live
settings-candidate-words = Hindi pa pumapasa sa test ang bersyon { $version } na na-save ni { $who }. Hanggang hindi ito pumapasa, sa bersyon { $live } pa rin dumaraan ang mail. Ito ang mga naiiba:
settings-field = Field
settings-live-now = Live ngayon
settings-not-proven = Bago, hindi pa na-test
settings-discard = Itapon ang bagong setting
settings-guide = Gabay
settings-guide-words = Hakbang-hakbang, sa pahina o naka-print:
settings-guide-for = Gabay: { $provider }
settings-last-test = Huling test
settings-cannot-resume = Hindi pa maitutuloy ang pagpapadala: i-type muna ang password. Pindutin ang “I-edit”, ilagay ito, pindutin ang “I-update”, saka mag-test.
settings-too-many-tests =
    { $count ->
        [one] Masyadong maraming test sa maikling panahon. Makakapag-test ka muli pagkalipas ng isang segundo. Walang nawala, at walang nabago sa iyong mga setting.
       *[other] Masyadong maraming test sa maikling panahon. Makakapag-test ka muli pagkalipas ng { $count } segundo. Walang nawala, at walang nabago sa iyong mga setting.
    }

settings-provider = Serbisyo ng mail
settings-provider-other = Ibang mail server
settings-provider-mailboxes = Iba pang mailbox
settings-provider-sending = Iba pang serbisyo sa pagpapadala
settings-provider-hint = Piliin ang iyong serbisyo ng mail para mapunan ang host, port at encryption.
settings-fill = Punan
settings-filled = Napunan na ang host, port at encryption ng { $provider }. Wala pang na-save.
settings-suggestion = Ang address na ito ay sa
settings-fill-suggested = Punan ang server nito
settings-more = Iba pa: Reply-To
settings-stored-now = Naka-save ngayon:
settings-refused =
    { $count ->
        [one] Hindi pa na-save: may isang field na kailangang itama. Nandito pa ang mga na-type mo, maliban sa password.
       *[other] Hindi pa na-save: may { $count } field na kailangang itama. Nandito pa ang mga na-type mo, maliban sa password.
    }
settings-refused-list = Pakitama ang mga ito:
settings-stale = Hindi pa na-save: may ibang nag-save ng ibang setting habang nagta-type ka. Nandito pa ang mga na-type mo, maliban sa password.
settings-stale-words = Na-save ang bersyon { $version } ni { $who },
settings-stale-gone = Binura ang mga setting na ito habang nagta-type ka.
settings-stale-what-now = Ipinapakita sa bawat naiibang field kung ano ang naka-save ngayon. Pindutin ang asul na button para ipalit ang mga inilagay mo, o ang “Kanselahin” para panatilihin ang naka-save.

settings-password-first = Ang password ng username na ito, o app password kung iyon ang hinihingi ng iyong serbisyo ng mail.
settings-password-keep = Iwanang blangko para panatilihin ang naka-save na password.
settings-password-gone = Hindi na mabasa ang naka-save na password. I-type itong muli.
settings-password-not-needed = Kailangan lang kung may username. Iwanang blangko ang dalawa kung tinatanggap ng server ang iyong mail nang walang sign-in.
settings-password-moved = I-type muli ang password: na-save ito para sa ibang host, username o uri ng encryption, at hindi ito ipinapadala sa iba nang hindi mo alam.

password-stored = Naka-save, hindi ipinapakita
password-gone = Kailangang i-type muli
password-not-needed = Hindi kailangan
password-before = Gaya ng dati
password-changed = Pinalitan

field-driver = Driver
field-driver-hint = Ang protocol ng mail.
field-host = Host
field-host-hint = Halimbawa mail.smtp2go.com o smtp.gmail.com
field-port = Port
field-port-hint = Karaniwang 587 para sa TLS, 465 para sa SSL
field-encryption = Encryption
field-username = Username
field-username-hint = Kadalasan, ang iyong buong e-mail address
field-password = Password
field-sender_name = Sender Name
field-sender_name-hint = Ang pangalang nakikita ng iyong mga customer
field-sender_email = Sender E-Mail
field-sender_email-hint = Ang address na nakikita ng iyong mga customer
field-reply_to = Reply-To
field-reply_to-hint = Kung saan pupunta ang mga sagot, kung hindi sa Sender E-Mail. Maaaring blangko.

encryption-starttls = TLS (STARTTLS, port 587)
encryption-implicit_tls = SSL (implicit TLS, port 465)
encryption-none = Wala (hindi naka-encrypt)

refused-required = Punan ang field na ito.
refused-too_long = Masyado itong mahaba.
refused-control_character = Alisin ang mga putol ng linya at mga hindi nakikitang karakter.
refused-unknown_value = Pumili ng isa sa listahan.
refused-host-malformed = Maglagay ng pangalan gaya ng smtp.example.com, walang https:// at walang port.
refused-host-destination_not_allowed = Hindi kami maaaring kumonekta sa host na ito. Tingnan kung may mali sa pagkaka-type.
refused-port-out_of_range = Ang port ay numero mula 1 hanggang 65535; kadalasan 587 o 465.
refused-port-port_not_allowed = Gumamit ng port para sa pagpapadala ng mail: 587 o 465; 2525 kung iniaalok ng iyong serbisyo ng mail.
refused-encryption-encryption_required = Piliin ang TLS o SSL: hindi kailanman ipinapadala ang password nang walang encryption.
refused-password-required = Paki-type ang password.
refused-password-masked = Mga tuldok o bituin ito, hindi password. I-type ito, o iwanang blangko ang field para panatilihin ang naka-save.
refused-password-not_allowed = Maglagay din ng username, o iwanang blangko ang password.
refused-sender_email-malformed = Maglagay ng isang simpleng address gaya ng billing@example.com.
refused-reply_to-malformed = Maglagay ng isang simpleng address gaya ng billing@example.com.

state-suspended = Sinuspinde
state-needs_password = Kailangan ng password
state-paused = Naka-pause
state-failing = Pumapalya
state-live = Live
state-untested = Hindi pa na-test

notice-suspended-title = Nakasuspinde ang pagpapadala
notice-suspended-words = Sinuspinde ang iyong account ng kompanyang nagpapatakbo ng serbisyong ito. Naghihintay ang mail. Makipag-ugnayan sa kanila.
notice-needs_password-title = Kailangang i-type muli ang password
notice-needs_password-words = Hindi na mabasa ang naka-save na password, kaya walang maipapadala. Naghihintay ang mail. Pindutin ang “I-edit”, i-type ang password, pindutin ang “I-update”, saka mag-test.
notice-auth_refused-title = Naka-pause ang pagpapadala: tinanggihan ang sign-in
notice-auth_refused-words = Hindi tinanggap ng mail server ang username at password. Naghihintay ang mail, at walang nawala. Itama ang mga setting at i-test: kusang tutuloy ang pagpapadala kapag may pumasang test.
notice-from_refused-title = Naka-pause ang pagpapadala: tinanggihan ang address ng nagpadala
notice-from_refused-words = Hindi pinapayagan ng mail server na magpadala ang account na ito mula sa Sender E-Mail. Naghihintay ang mail, at walang nawala. Itama ang address at mag-test: kusang tutuloy ang pagpapadala kapag may pumasang test.
notice-secret_unreadable-title = Kailangang i-type muli ang password
notice-secret_unreadable-words = Hindi na mabasa ang naka-save na password, kaya walang maipapadala. Naghihintay ang mail. Pindutin ang “I-edit”, i-type ang password, pindutin ang “I-update”, saka mag-test.
notice-by_hand-title = Naka-pause ang pagpapadala
notice-by_hand-words = May nag-pause nito. Tinatanggap ang mail at naghihintay hanggang ituloy mo.
notice-failing-title = Pumalya ang mga huling subok
notice-failing-words = Tatlong sunod-sunod na beses na hindi nagamit ang mail server. Naghihintay ang mail at kusang sinusubukan muli. Ipapakita ng test kung saan ito pumapalya.
notice-untested-title = Hindi pa na-test ang mga setting na ito
notice-untested-words = Naghihintay ang mail hanggang may pumasang test. Ilang segundo lang ang test at walang mail na ipinapadala.
notice-candidate-title = Hindi pa na-test ang bagong setting
notice-candidate-words = Ang live na setting pa rin ang nagpapadala. Kapag pumasa sa test ang bago, iyon na ang gagamitin.

did-settings-saved = Na-save. I-test na ang mga setting: magiging live ang mga ito kapag may pumasang test.
did-settings-live = Na-save. Live na ang mga setting na ito.
did-settings-unchanged = Walang nabago: naka-save na ang mga setting na ito.
did-candidate-discarded = Itinapon ang bagong setting. Walang nabago sa live na setting.
did-sender-paused = Naka-pause ang pagpapadala. Tinatanggap ang mail at naghihintay ito.
did-sender-resumed = Tuloy na ang pagpapadala. Umaalis na ang mga naghintay.

provider-username-address = Username: ang buong e-mail address.
provider-username-given = Username: ang SMTP username na nasa settings ng serbisyo.
provider-username-fixed = Username: ang salitang { $name }, pareho para sa lahat.
provider-username-local_part = Username: ang bahagi lang ng e-mail address bago ang @.
provider-username-address_or_local_part = Username: ang buong e-mail address, o ang bahagi lang bago ang @.
provider-username-api_key = Username: ang API key na nasa settings ng serbisyo.
provider-username-same_as_password = Username: kapareho ng password.
provider-username-any = Username: kahit ano, halimbawa ang iyong e-mail address; ang password lang ang mahalaga.
provider-password-app_password = Password: app password na ginawa para rito, hindi ang ginagamit mo sa pag-sign in.
provider-password-mailbox_password = Password: ang sa mailbox, hangga’t pinapayagan pa iyon ng serbisyo.
provider-password-smtp_password = Password: ang SMTP password na nasa settings ng serbisyo, hindi ang ginagamit mo sa pag-sign in.
provider-password-smtp_key = Password: SMTP key na nasa settings ng serbisyo; hindi gagana ang API key.
provider-password-api_key = Password: API key na maaaring magpadala ng mail.
provider-password-secret_key = Password: ang secret key na kapares ng API key.
provider-password-token = Password: token na nasa settings ng serbisyo at maaaring magpadala ng mail.
provider-password-client_secret = Password: ang client secret ng application na inirehistro sa serbisyo.
provider-password-authorisation_code = Password: ang authorisation code na nasa settings ng mailbox, hindi ang ginagamit mo sa pag-sign in.
provider-password-none_works = Wala nang password na gumagana rito: isinara na ito ng serbisyo. Ipinapakita ng gabay kung ano ang gagamitin.
provider-wants-unknown = Username at password: ayon sa ipinapakita ng settings ng serbisyo.
provider-note-from_rewritten = Ibang address ng nagpadala ang makikita ng tatanggap kung hindi beripikado sa serbisyo ang sa iyo.
provider-note-from_must_be_own = Dapat isa sa mga address ng account na ito ang address ng nagpadala.
provider-note-sender_must_be_verified = Kailangang beripikado muna sa serbisyo ang address o domain ng nagpadala.
provider-note-two_step_first = I-on muna ang two-step verification: walang app password kung wala ito.
provider-note-admin_must_allow = Maaaring kailangan muna itong payagan ng iyong administrator.
provider-note-passwords_end = Malapit nang ihinto ng serbisyo ang pag-sign in gamit ang password.
provider-note-turn_on_first = I-on muna sa settings ng mailbox ang access para sa mga mail program (POP3, IMAP, SMTP).
provider-note-region_matters = Piliin ang server ng sarili mong rehiyon: sa iba, tinatanggihan kahit ang tamang password.
provider-note-bulk_forbidden = Labag sa patakaran ng serbisyo ang awtomatiko at maramihang pagpapadala.
provider-note-sandbox_first = Sa mga beripikadong tatanggap lang nakakapagpadala ang bagong account hanggang alisin iyon ng serbisyo.
provider-note-activation_first = Kailangang i-activate muna ng serbisyo ang bagong account bago ito makapagpadala.
provider-note-own_domain_only = Gumagana lang para sa mga address sa sarili mong domain, sa ilang bayad na plan.

actor-operator = { $email } (operator)
actor-operator-key = programa ng operator
actor-api-key = iyong programa (API key)
actor-console = operator, sa command line
actor-service = serbisyong ito
