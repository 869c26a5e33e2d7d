/** Puts the chat on a page: `<script type="module" src="https://bot.example.com/chat/widget.js" data-title="Help"></script>` */

import { Chat } from "./chat.js";
import { el } from "./dom.js";
import { Server } from "./server.js";
import { readableOn } from "./styles.js";
import { textsFor } from "./texts.js";
import { View } from "./view.js";

const own = new URL(import.meta.url);
const script = [...document.scripts].find((one) => one.src && new URL(one.src).pathname === own.pathname && new URL(one.src).origin === own.origin);
const options = script?.dataset ?? {};

const found = textsFor([options.locale, document.documentElement.lang, ...navigator.languages]);
const look = {
  ...found,
  title: options.title || (found.texts.title ?? ""),
  home: new URL("../", own),
  greeting: options.greeting || (found.texts.greeting ?? ""),
};

const host = el("div", { id: "handoff-chat", "data-position": options.position === "left" ? "left" : "right" });
if (options.accent && CSS.supports("color", options.accent)) {
  host.style.setProperty("--accent", options.accent);
  host.style.setProperty("--on-accent", readableOn(options.accent));
}

const dark = matchMedia("(prefers-color-scheme: dark)");
const paint = () => host.toggleAttribute("data-dark", options.theme === "dark" || (options.theme !== "light" && dark.matches));
dark.addEventListener("change", paint);
// A website with a theme switch of its own changes the attribute.
if (script) new MutationObserver(paint).observe(script, { attributeFilter: ["data-theme"] });
paint();

const server = new Server(new URL("./", own));
server.identity = options.identity ?? "";
const chat = new Chat(server, found.locale, () => view.redraw());
const view = new View(host, look, chat);
document.body.append(host);
view.draw();
// Who has talked before may have been answered since; of everybody else's page view the bot hears nothing.
if (server.isKnown) chat.start();

Object.defineProperty(window, "HandoffChat", {
  value: Object.freeze({
    open: () => view.open(),
    close: () => view.close(),
    /** Say who is signed in on the website now, "" for nobody. @param {string} identity */
    identify: (identity) => {
      server.identify(identity);
      chat.restart();
    },
  }),
});
