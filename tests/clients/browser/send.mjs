// Serves the page at a port, opens it in a headless Chromium, and prints what it says: `send.mjs PORT ENDPOINT CHILDREN`.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSync } from "esbuild";

const [port, endpoint, children] = process.argv.slice(2);
const built = buildSync({
  entryPoints: [new URL("page.mjs", import.meta.url).pathname],
  bundle: true,
  format: "esm",
  platform: "browser",
  write: false,
});
const script = built.outputFiles[0].text;
const profile = mkdtempSync(join(tmpdir(), "tailwater-browser-"));
let browser;
const end = (code) => {
  browser?.kill("SIGKILL");
  browser?.once("exit", () => {
    rmSync(profile, { recursive: true, force: true, maxRetries: 100, retryDelay: 50 });
    process.exit(code);
  });
};

const server = createServer((request, response) => {
  if (request.url === "/page.js") {
    response.setHeader("content-type", "text/javascript");
    response.end(script);
  } else if (request.method === "POST") {
    let body = "";
    request.on("data", (part) => (body += part));
    request.on("end", () => {
      response.end();
      console.log(body);
      end(0);
    });
  } else {
    response.setHeader("content-type", "text/html");
    response.end('<!doctype html><script type="module" src="/page.js"></script>');
  }
});
server.listen(Number(port), "127.0.0.1", () => {
  const page = `http://127.0.0.1:${port}/?${new URLSearchParams({ endpoint, children })}`;
  const options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
  browser = spawn("chromium", [...options, `--user-data-dir=${profile}`, page], { stdio: "ignore" });
  browser.on("error", (error) => {
    console.error(`chromium: ${error.message}`);
    process.exit(1);
  });
});
setTimeout(() => {
  console.error("the page said nothing within 180 s");
  end(1);
}, 180_000).unref();
