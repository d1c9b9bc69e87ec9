//! The portal in a real browser, all tests in one binary so that they link once.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed, and says where")]

mod branding;
mod every_page;
mod filipino;
mod foreign_site;
mod furnished;
mod harness;
mod history;
mod hostile;
mod keyboard;
mod operator;
mod settings;
mod test_configurations;
mod way_in;
mod weight;
mod without_javascript;
