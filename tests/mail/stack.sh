#!/bin/bash
# Real Postfix and Dovecot on loopback, for the tests of crates/channels (real_mail.rs). Needs root, postfix, dovecot-imapd.
# usage: stack.sh start|stop DIR
# `start` prints one line for the environment: TELAIO_TEST_MAIL=<submission>,<imaps>,<user>,<password>,<ca file>
set -eu
command=${1:?start or stop}; folder=${2:?folder}
ports=(2588 2994)
case $command in
start)
  mkdir -p "$folder"/{postfix,queue,data,mail,dovecot,run}; chmod 755 "$folder"
  openssl req -x509 -newkey rsa:2048 -nodes -keyout "$folder/tls.key" -out "$folder/tls.pem" -days 7 \
    -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
    -addext basicConstraints=critical,CA:FALSE 2>/dev/null
  id telaiomail >/dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin telaiomail
  uid=$(id -u telaiomail); gid=$(id -g telaiomail)
  chown telaiomail: "$folder/mail"; chown postfix: "$folder/data"
  user=protocollo@pec.ente.test; password=$(openssl rand -hex 12)
  echo "$user:{PLAIN}$password:$uid:$gid::$folder/mail/$user" > "$folder/users"
  chgrp dovecot "$folder/users"; chmod 640 "$folder/users"
  echo "$user $user/" > "$folder/postfix/boxes"
  cat > "$folder/dovecot/dovecot.conf" <<CONF
protocols = imap
listen = 127.0.0.1
base_dir = $folder/run
state_dir = $folder/run
log_path = $folder/dovecot.log
ssl = required
ssl_cert = <$folder/tls.pem
ssl_key = <$folder/tls.key
mail_location = maildir:~/
first_valid_uid = 1
passdb {
  driver = passwd-file
  args = $folder/users
}
userdb {
  driver = passwd-file
  args = $folder/users
}
service imap-login {
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    port = ${ports[1]}
  }
}
service auth {
  unix_listener $folder/queue/private/auth {
    mode = 0666
  }
}
namespace inbox {
  inbox = yes
}
CONF
  cat > "$folder/postfix/main.cf" <<CONF
compatibility_level = 3.6
queue_directory = $folder/queue
data_directory = $folder/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = $folder/postfix.log
maillog_file_prefixes = $folder, /var, /dev/stdout
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = posta.ente.test
mydestination =
virtual_mailbox_domains = pec.ente.test
virtual_mailbox_base = $folder/mail
virtual_mailbox_maps = texthash:$folder/postfix/boxes
virtual_uid_maps = static:$uid
virtual_gid_maps = static:$gid
virtual_minimum_uid = 1
virtual_mailbox_limit = 0
mailbox_size_limit = 0
message_size_limit = 62914560
default_transport = error:loopback only
smtpd_tls_cert_file = $folder/tls.pem
smtpd_tls_key_file = $folder/tls.key
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
disable_dns_lookups = yes
smtpd_relay_restrictions = permit_sasl_authenticated, reject
CONF
  cat > "$folder/postfix/master.cf" <<CONF
127.0.0.1:${ports[0]} inet n - n - - smtpd -o smtpd_tls_security_level=encrypt -o smtpd_sasl_auth_enable=yes -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
CONF
  postfix -c "$folder/postfix" start >> "$folder/start.log" 2>&1
  dovecot -c "$folder/dovecot/dovecot.conf" >> "$folder/start.log" 2>&1
  for _ in $(seq 60); do
    if (exec 3<>"/dev/tcp/127.0.0.1/${ports[0]}") 2>/dev/null && (exec 3<>"/dev/tcp/127.0.0.1/${ports[1]}") 2>/dev/null; then
      echo "TELAIO_TEST_MAIL=${ports[0]},${ports[1]},$user,$password,$folder/tls.pem"; exit 0
    fi
    sleep 0.5
  done
  tail -n 5 "$folder"/*.log >&2; exit 1;;
stop)
  postfix -c "$folder/postfix" stop >/dev/null 2>&1 || true
  doveadm -c "$folder/dovecot/dovecot.conf" stop 2>/dev/null || true
  rm -rf "$folder";;
*) sed -n 2,4p "$0"; exit 2;;
esac
