//! The two configuration files of the fixture.

use std::{fs, io};

use super::{AURORA, BOREALIS, BUSY_RECIPIENT, ForeignSender, Postfix, UNKNOWN_RECIPIENT};
use crate::mail_server::user_id;

/// Services, none of them in a chroot: that would need the system's libraries copied.
const SERVICES: &str = "\
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
proxymap  unix  - - n - - proxymap
error     unix  - - n - - error
retry     unix  - - n - - error
virtual   unix  - n n - - virtual
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
";

pub(super) fn write(postfix: &Postfix, foreign_sender: ForeignSender) -> io::Result<()> {
    fs::write(postfix.path("etc/main.cf"), parameters(postfix, foreign_sender)?)?;
    let (submission, smtps) = (postfix.submission_port(), postfix.smtps_port());
    let relay = postfix.relay_port();
    let services = format!(
        "127.0.0.1:{submission} inet n - n - - smtpd -o smtpd_tls_security_level=encrypt\n\
         127.0.0.1:{smtps} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes\n\
         127.0.0.1:{relay} inet n - n - - smtpd -o smtpd_tls_security_level=none \
         -o smtpd_tls_auth_only=no -o smtpd_authorized_xclient_hosts=127.0.0.1\n{SERVICES}"
    );
    fs::write(postfix.path("etc/master.cf"), services)?;
    // Debian's Postfix looks for this beside its configuration and nowhere else, whatever
    // `cyrus_sasl_config_path` says.
    let database = postfix.path("etc/sasl/sasldb2");
    let sasl = format!(
        "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\n\
         sasldb_path: {}\n",
        database.display()
    );
    fs::write(postfix.path("etc/sasl/smtpd.conf"), sasl)
}

fn parameters(postfix: &Postfix, foreign_sender: ForeignSender) -> io::Result<String> {
    let folder = postfix.folder.path().display();
    let nobody = user_id("nobody").map_err(io::Error::other)?;
    let delay_reject = match foreign_sender {
        ForeignSender::RefusedAtMail => "no",
        ForeignSender::RefusedAtRecipient => "yes",
    };
    let (aurora, borealis) = (AURORA.address, BOREALIS.address);
    Ok(format!(
        "compatibility_level = 2
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = mail.letterhead.test
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination =
mynetworks =
# No field is added to a mail that lacks it: tests compare it byte for byte.
local_header_rewrite_clients =
alias_maps =
alias_database =
local_recipient_maps =

# Every domain is ours and every recipient has the same folder.
virtual_mailbox_domains = static:all
virtual_mailbox_maps = static:inbox/
virtual_mailbox_base = {folder}/mail
virtual_uid_maps = static:{nobody}
virtual_gid_maps = static:{nobody}
virtual_mailbox_limit = 0
mailbox_size_limit = 0
message_size_limit = 52428800

smtpd_peername_lookup = no
# Postfix slows down clients that make mistakes; tests make them on purpose.
smtpd_error_sleep_time = 0
smtpd_client_connection_count_limit = 0
smtpd_delay_reject = {delay_reject}

smtpd_tls_cert_file = {folder}/server.pem
smtpd_tls_key_file = {folder}/server.key
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = {folder}/etc/sasl
smtpd_sasl_security_options = noanonymous

smtpd_sender_login_maps = inline:{{ {{{aurora} = {aurora}}}, {{{borealis} = {borealis}}} }}
smtpd_sender_restrictions = reject_sender_login_mismatch
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions =
    check_recipient_access inline:{{
        {{ {UNKNOWN_RECIPIENT} = 550 5.1.1 No such mailbox }},
        {{ {BUSY_RECIPIENT} = 450 4.2.0 Mailbox is busy }} }}
    permit_sasl_authenticated, reject
"
    ))
}
