"use strict";
// Shows what the server pushes: replaces the parts of the page that changed, and keeps times going.

const SILENT_SECONDS = 20;
const connection = document.getElementById("connection");
const freshness = connection.parentElement;
const read = document.getElementById("read");
let heard = Date.now();

/** A time span in its largest unit: 42s, 7m, 3h, 12d. */
function span(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "m"]]) {
    if (seconds >= size) return `${Math.floor(seconds / size)}${unit}`;
  }
  return `${seconds}s`;
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function tick() {
  const now = Date.now();
  for (const one of document.querySelectorAll("time[data-age]")) write(one, span(now - Date.parse(one.dateTime)));
  for (const one of document.querySelectorAll("time[data-left]")) write(one, span(Date.parse(one.dateTime) - now));
  const isSilent = now - heard > SILENT_SECONDS * 1000;
  freshness.classList.toggle("lost", isSilent);
  if (isSilent) write(connection, "The page's server does not answer; trying again.");
}

/** Replaces a part, but keeps what a person has opened in it, and where the keyboard is. */
function replace(id, html) {
  const old = document.getElementById(id);
  const template = document.createElement("template");
  template.innerHTML = html;
  const fresh = template.content.firstElementChild;
  if (!old || old.dataset.version === fresh.dataset.version) return;
  for (const one of old.querySelectorAll("details[open][id]")) {
    fresh.querySelector(`#${CSS.escape(one.id)}`)?.setAttribute("open", "");
  }
  const places = "a[href], summary, [tabindex]";
  const place = old.contains(document.activeElement) ? [...old.querySelectorAll(places)].indexOf(document.activeElement) : -1;
  const details = document.activeElement?.closest("details[id]")?.id;
  old.replaceWith(fresh);
  if (place >= 0) {
    const same = details && document.getElementById(details)?.querySelector("summary");
    (same || fresh.querySelectorAll(places)[place])?.focus({ preventScroll: true });
  }
}

const events = new EventSource("events");
events.addEventListener("look", (event) => {
  const look = JSON.parse(event.data);
  heard = Date.now();
  if (look.keys !== document.documentElement.dataset.keys) {
    location.reload();
    return;
  }
  for (const [id, html] of Object.entries(look.parts)) replace(id, html);
  if (look.read) {
    read.dateTime = look.read;
    read.dataset.age = "";
  }
  write(connection, look.failed ? "The cluster cannot be read." : "Live.");
  if (look.news.length) document.getElementById("news").textContent = look.news.join(" ");
  tick();
});
setInterval(tick, 1000);
tick();
