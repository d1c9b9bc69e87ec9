// Sends one ready-made message again and again with nodemailer, as often as each line on its standard
// input says, and answers with the seconds that it took. Started by `make bench`.
"use strict";

const fs = require("node:fs");
const readline = require("node:readline");

const [folder, port, caFile, manner, width, mailFile] = process.argv.slice(2);
const nodemailer = require(folder);

const server = { host: "127.0.0.1", port: Number(port), secure: false };
if (caFile) {
  server.requireTLS = true;
  server.tls = { ca: fs.readFileSync(caFile), servername: "localhost" };
} else {
  server.ignoreTLS = true;
}
if (manner === "pool") {
  server.pool = true;
  server.maxConnections = Number(width);
  server.maxMessages = Infinity;
} else {
  server.auth = { user: "aurora", pass: "a password of the bench" };
}
const transport = nodemailer.createTransport(server);
// More than there are connections wait in a pool, so that none of these ever does.
const atOnce = manner === "pool" ? 4 * Number(width) : Number(width);
const mail = {
  envelope: { from: "billing@aurora.example", to: ["ann@example.net"] },
  raw: fs.readFileSync(mailFile),
};

async function send(count) {
  let left = count;
  const one = async () => {
    while (left > 0) {
      left -= 1;
      await transport.sendMail(mail);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

async function play() {
  console.log("ready");
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const began = performance.now();
    await send(Number(line));
    console.log((performance.now() - began) / 1000);
  }
  transport.close();
}

play().catch((err) => {
  console.error(err);
  process.exit(1);
});
