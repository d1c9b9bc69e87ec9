skip-to-content = Lumaktaw sa nilalaman
nav-label = Mga pahina
nav-operator = Operator
nav-setup = Setup
nav-system-settings = System Settings
nav-settings = SMTP Settings
nav-test-runs = Mga nakaraang test
nav-versions = Mga bersyon
nav-messages = Mga mensahe
nav-activity = Mga ginawa
nav-sessions = Mga naka-sign in
nav-guides = Mga gabay
nav-tenants = Mga tenant
nav-bulk-runs = Test ng maraming tenant
nav-operator-sessions = Mga sign-in ng operator
languages-label = Wika
sign-out = Mag-sign out
go-home = Pumunta sa unang pahina

role-admin = Tagapangasiwa
role-viewer = Tagatingin
role-setup = Para sa setup lang
role-operator = Operator

refusal-sign-in-title = Gumamit ng bagong link
refusal-sign-in-words = Hindi ka naka-sign in, o natapos na ang session mo: natatapos ito pagkalipas ng 30 minutong walang pindot, at pagkalipas ng 8 oras sa anumang kaso. Buksan muli ang “SMTP Settings” sa programang pinanggalingan mo, o humingi ng bagong link sa nagpadala nito. Nakatago pa rin ang mga na-save mo.
refusal-cross-site-title = Hindi tinanggap ang form na ito
refusal-cross-site-words = Galing ito sa ibang site, o sa pahina ng naunang session. Walang nabago. Bumalik, i-load muli ang pahina, at subukan ulit.
refusal-form-title = Hindi mabasa ang form na ito
refusal-form-words = May kulang o sobrang haba rito. Walang nabago. Bumalik, i-load muli ang pahina, at subukan ulit.
refusal-role-title = Hindi ito pinapayagan ng iyong role
refusal-role-words = Maaari kang tumingin, pero ibang role ang kailangan para rito. Ipagawa ito sa iyong tagapangasiwa, o magpapadala ng link na pumapayag nito.
refusal-not-found-title = Walang ganitong pahina
refusal-not-found-words = Baka may mali sa address, o wala na ang ipinapakita nito.
refusal-stale-title = May nauna sa iyo
refusal-stale-words = Nabago ito habang tinitingnan mo. Walang na-save sa ginawa mo. I-load muli ang pahina para makita ang lagay nito ngayon, saka magpasya.
refusal-conflict-title = Hindi ito magagawa ngayon
refusal-too-many-title = Masyadong maraming pagsubok
refusal-too-many-words =
    { $count ->
        [one] Maghintay ng isang segundo, saka subukan ulit. Walang nawala.
       *[other] Maghintay ng { $count } segundo, saka subukan ulit. Walang nawala.
    }
refusal-unavailable-title = Sandali lang
refusal-unavailable-words = May bahagi ng serbisyong ito na hindi maabot ngayon. Walang nawala. I-load muli ang pahina pagkalipas ng ilang segundo.
refusal-broken-title = May nangyaring mali sa aming panig
refusal-broken-words = Hindi mo ito kasalanan, at walang nawala. I-load muli ang pahina; kung maulit ito, sabihin sa kompanyang nagpapatakbo ng serbisyong ito.
refusal-incident = Numero ng insidenteng ito: { $id }
