//! The portal in a real browser: the real program, a real Chromium, no mocks.
