pages-label = More pages
pages-newest = Newest
pages-older = Older

history-empty-title = Nothing has been tested yet
history-empty-words = Enter your SMTP settings, save them, and press “Test Configurations”. Each test is kept here with what it found.
history-empty-go = Go to SMTP Settings
history-when = When
history-result = Result
history-failure = Where it failed
history-version = Version
history-mode = What was tried
history-who = Who
history-not-saved = not saved
history-took = in { $took }
