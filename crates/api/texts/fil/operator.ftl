tenants-by-state = Mga tenant ayon sa kalagayan
tenants-all = Lahat
tenants-no-settings = Wala pang settings
tenants-suspended = Suspendido
tenants-search = Maghanap
tenants-search-hint = Hinahanap sa pangalan at maikling pangalan ng tenant, at sa host at sender address ng settings nito.
tenants-state = Kalagayan
tenants-service = Serbisyo ng mail
tenants-any = Kahit alin
tenants-show = Ipakita
tenants-show-all = Ipakita ang lahat ng tenant
tenants-none-title = Walang tumugmang tenant
tenants-none-words = Subukan ang mas kaunting letra, ibang kalagayan o ibang serbisyo ng mail.
tenants-empty-title = Wala pang tenant
tenants-empty-words = Gumawa ng isa gamit ang POST /v1/tenants, o ang “letterhead tenant create”. Pagkatapos, gumawa rito ng link para sa mga tao nito.
tenants-mark = Markahan
tenants-mark-one = Markahan ang { $tenant }
tenants-mark-all = Markahan ang lahat sa pahinang ito
tenants-test-selected = I-test ang mga minarkahan
tenants-test-matching = I-test ang lahat ng tumugma
tenants-test-all = I-test ang lahat ng tenant
tenants-test-hint = Sa test, nagsa-sign in sa bawat mail server. Walang ipinapadalang mail.
tenants-tenant = Tenant
tenants-manage = Pamahalaan
tenants-last-test = Huling test
tenants-last-accepted = Huling mail na tinanggap ng server
tenants-waiting = Naghihintay
tenants-failed = Hindi tinanggap (7 araw)
tenants-never = Hindi pa
tenants-more =
    { $count ->
        [one] at isa pang sender
       *[other] at { $count } pang sender
    }
tenants-first = Unang pahina
tenants-next = Susunod na pahina

tenant-slug = Maikling pangalan
tenant-id = Id
tenant-created = Ginawa
tenant-suspension = Suspindihin
tenant-is-suspended = Suspendido ang tenant na ito. Tinatanggihan ang bagong mail, at nananatili ang mga naghihintay.

suspend-title = Suspindihin ang { $tenant }?
suspend-words = Habang suspendido ang isang tenant, tinatanggihan ang bagong mail at walang umaalis. Nananatili ang mga naghihintay, at magpapatuloy kapag ibinalik mo ang tenant. Makakapag-sign in at makakatingin pa rin ang mga tao nito.
suspend-button = Suspindihin ang tenant na ito
resume-title = Ibalik ang { $tenant }?
resume-words = Agad na magpapatuloy ang mga naghihintay, at tatanggapin muli ang bagong mail.
resume-button = Ibalik ang tenant na ito
operator-back = Bumalik

did-tenant-suspended = Suspendido na ang tenant. Wala nang umaalis na mail nito.
did-tenant-resumed = Gumagana na muli ang tenant. Nagpapatuloy ang mga naghintay.
nobody-to-test = Walang na-test: magmarka ng kahit isang tenant, o maghanap ng iba.
did-bulk-run-cancelled = Kinansela. Kusang matatapos ang mga test na nasimulan; hindi na isasama ang iba.

link-title = Gumawa ng link sa portal
link-words = Sa isang link, isang tao ang makakapasok nang isang beses sa mga pahina ng tenant na ito. Sa e-mail address na ito siya tatawagin sa mga ginawa.
link-email = E-mail address
link-name = Pangalan
link-role = Tungkulin
link-role-hint = Magagawa ng tagapangasiwa ang lahat. Titingin lang ang tagatingin. Ang para sa setup lang ay para sa IT na maglalagay at magte-test ng settings; 7 araw maghihintay ang ganitong link, 10 minuto ang iba.
link-make = Gawin ang link
link-refused = Walang nagawang link: pakitama ang mga may marka.
link-email-refused = Ilagay ang buong e-mail address, gaya ng ann@example.com.
link-name-refused = Maglagay ng pangalan na hindi hihigit sa 100 letra.
link-made = Nagawa na ang link.
link-made-words = Ipadala ang link na ito kay { $email }.
link-made-once = Ngayon lang ito ipinapakita, at isang beses lang gagana.
link-url = Link
link-copy = Kopyahin ang link
link-copied = Nakopya na
link-works-until = Gagana hanggang

bulk-title = Test ng maraming tenant
bulk-goes-on = Tumatakbo
bulk-ends = Patapos na
bulk-cancelled = Kinansela
bulk-finished = Tapos na
bulk-progress = { $done } sa { $total } ang tapos
bulk-scope-all = Lahat ng tenant
bulk-scope-selection = Mga minarkahang tenant
bulk-scope-filter = Mga tenant na nahanap sa: { $filter }
bulk-empty-title = Wala pang na-test
bulk-empty-words = Buksan ang “Mga tenant”, magmarka o maghanap, at pindutin ang “I-test ang mga minarkahan” o “I-test ang lahat ng tumugma”.
bulk-begun = Sinimulan
bulk-ended = Natapos
bulk-target = Aling mga tenant
bulk-status = Pag-usad
bulk-who = Sinimulan ni
bulk-not-tested = Hindi na-test
bulk-status-waiting = Naghihintay
bulk-status-running = Tine-test
bulk-status-passed = Pumasa
bulk-status-failed = Pumalya
bulk-status-skipped = Nilaktawan
bulk-status-cancelled = Kinansela
bulk-cancel = Kanselahin ang natitira
bulk-look-again = Ipakita ang mga resulta sa ngayon
bulk-leave = Maaari mong iwan ang pahinang ito; magpapatuloy ang test.
bulk-results = Mga resulta ayon sa sanhi
bulk-no-results-yet = Wala pang pumapalya.
bulk-all-passed = Walang pumalya at walang nilaktawan.
bulk-nobody = Walang kabilang sa pangkat na ito.
bulk-see-test = Tingnan ang test
bulk-tenants =
    { $count ->
        [one] 1 tenant
       *[other] { $count } tenant
    }
bulk-more =
    { $count ->
        [one] at isa pa
       *[other] at { $count } pa
    }
bulk-service-unknown = Ang mail server
bulk-cause-auth_bad_password = hindi tinanggap ang user name o password: { $service }
bulk-cause-auth_app_password_needed = kailangan ng app password: { $service }
bulk-cause-sender_refused = hindi tinanggap ang sender address: { $service }
bulk-cause-no_connection = walang koneksiyon sa port { $port }
bulk-cause-port_blocked = mukhang nakaharang ang ating port { $port }: walang server na naabot doon
bulk-skipped-no_sender = wala pang settings
bulk-skipped-suspended = suspendido
bulk-skipped-too_many_tests = masyadong maraming test sa maikling panahon; mag-test muli mamaya
bulk-skipped-gone = nabura na
bulk-skipped-broken = may nagkamali sa panig natin; nasa log kung ano
