pages-label = Iba pang pahina
pages-newest = Pinakabago
pages-older = Mas luma

history-empty-title = Wala pang nasusubukan
history-empty-words = Ilagay ang inyong SMTP settings, i-save, at pindutin ang “Test Configurations”. Nakatala rito ang bawat pagsubok at ang resulta nito.
history-empty-go = Pumunta sa SMTP Settings
history-when = Kailan
history-result = Resulta
history-failure = Saan pumalya
history-version = Bersiyon
history-mode = Ano ang sinubukan
history-who = Sino
history-not-saved = hindi naka-save
history-took = sa loob ng { $took }
