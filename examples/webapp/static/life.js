"use strict";

// Shows how long the session has left, warns before it ends, and goes to the
// login page when it has ended. It asks the server, with a header that says that
// nobody did: asking does not extend the session.

const life = document.getElementById("life");
const bar = document.getElementById("bar");
const lifeText = document.getElementById("life-text");
const left = document.getElementById("left");
const warning = document.getElementById("warning");
const stay = document.getElementById("stay");
const lifetime = document.getElementById("lifetime"); // only on one page

const full = Number(life.dataset.full);
const warn = Number(life.dataset.warn);
const loaded = Date.now();
const endsIn = lifetime ? lifetime.value : 0;

let ends = 0; // when the session ends, in milliseconds since 1970; 0 is unknown
let by = "idle";
let asking = false;
let again = false;
let askedAt = 0;
let asked = 0; // how often it has answered
let away = false; // whether it does not

// ask asks the server how long is left.
async function ask() {
  if (asking) {
    again = true; // what comes now may be older than what happened meanwhile
    return;
  }
  asking = true;
  askedAt = Date.now();
  try {
    const answer = await fetch("/time-left", {
      headers: { "X-Session-Passive": "1" },
      cache: "no-store",
      signal: AbortSignal.timeout(10000),
    });
    if (answer.status === 401) return leave();
    if (!answer.ok) throw new Error(answer.statusText);
    const body = await answer.json();
    ends = Date.now() + body.expires_in * 1000;
    by = body.by || "idle";
    life.dataset.left = body.expires_in;
    life.dataset.by = by;
    bar.dataset.expires = ends;
    life.dataset.asked = ++asked;
    away = false;
  } catch {
    away = true; // the clock goes on, and it is asked again
  } finally {
    asking = false;
  }
  show();
  if (again) {
    again = false;
    ask();
  }
}

// leave asks for this page again. The session is over, so the server sends the
// browser to the login page, with the way back. Without its fragment, which
// would have the browser only scroll.
function leave() {
  life.dataset.state = "ended";
  location.replace(location.pathname + location.search);
}

// show brings the page up to date.
function show() {
  if (ends === 0 || life.dataset.state === "ended") return;
  const seconds = Math.max(0, (ends - Date.now()) / 1000);
  bar.value = Math.min(seconds, full);
  const text = clock(Math.ceil(seconds));
  if (left.textContent !== text) left.textContent = text;
  lifeText.textContent = away ? "No connection. Logged out in" : "Logged out in";
  if (lifetime) lifetime.value = Math.max(0, endsIn - (Date.now() - loaded) / 1000);
  const soon = seconds <= warn;
  life.dataset.state = away ? "offline" : soon ? "warning" : "ok";
  const helps = by === "idle";
  if (lifetime) lifetime.dataset.state = soon && !helps ? "warning" : "ok";
  if (soon === warning.hidden || (soon && helps === stay.hidden)) announce(soon, helps);
  // Another tab may have extended it, and the server counts whole seconds.
  if (seconds === 0 && Date.now() - askedAt >= 1000) ask();
}

// announce shows the warning, or takes it away. What it says does not change by
// the second, so that a screen reader says it once.
function announce(soon, helps) {
  stay.hidden = !helps;
  document.getElementById("warning-text").textContent = !soon ? "" : helps
    ? "You are about to be logged out, because nothing has happened for a while."
    : "Your session is about to end, whatever you do. Save what you are at, then log in again.";
  if (!soon && document.activeElement === stay) document.getElementById("main").focus();
  warning.hidden = !soon;
}

// clock returns seconds as people read them: 9 s, 4:05, 1:30:00.
function clock(seconds) {
  if (seconds < 60) return seconds + " s";
  const two = (n) => String(n).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return minutes + ":" + two(seconds % 60);
  return Math.floor(minutes / 60) + ":" + two(minutes % 60) + ":" + two(seconds % 60);
}

stay.addEventListener("click", async () => {
  try {
    await fetch("/stay", { method: "POST", signal: AbortSignal.timeout(10000) });
  } catch {
    // ask tells.
  }
  ask();
});

// A tab in the background, or a machine that was asleep, has missed something.
document.addEventListener("visibilitychange", () => document.hidden || ask());
window.addEventListener("pageshow", (event) => event.persisted && ask());

setInterval(show, 250);
setInterval(ask, Number(life.dataset.poll) * 1000);
ask();
