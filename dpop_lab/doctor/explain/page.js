"use strict";
(() => {
  const AGAIN = 2000, SPEAK = 1500, SURE = 5000; // milliseconds
  const byId = id => document.getElementById(id);
  const list = byId("entries"), said = byId("said"), count = byId("count");
  const rows = byId("rows"), everyone = byId("everyone"), chosen = [byId("client"), byId("key"), byId("sign_in")];
  const kept = Number(document.body.dataset.kept), page = Math.random().toString(36).slice(2);
  let { run, newest } = document.body.dataset, asked = JSON.parse(document.body.dataset.asked);
  let paused = false, unsaid = [], speaking = 0, lost = false, turn = 0, timer = 0, wait = 250;

  const say = text => { said.textContent = text; };

  // the newest verdict is announced, and at most every second and a half
  const announce = entry => {
    unsaid.push(entry.said);
    speaking ||= setTimeout(() => {
      const more = unsaid.length > 1 ? `${unsaid.length} new requests, the last: ` : "";
      say(more + unsaid.at(-1));
      unsaid = [];
      speaking = 0;
    }, said.textContent ? SPEAK : 0);
  };

  const counted = () => {
    const all = list.children.length, refused = list.querySelectorAll(":scope > [data-mark=refused]").length;
    count.textContent = `${asked.name ? `${asked.name}: ` : ""}${all} shown, ${refused} refused`;
  };

  const ready = item => item.querySelectorAll(".copy").forEach(button => { button.hidden = false; });

  // what is there already is never touched: focus, selection and open details stay as they are
  const add = (entry, quietly) => {
    const template = document.createElement("template");
    template.innerHTML = entry.html; // escaped by the server; the page's policy runs no script in it
    const item = template.content.firstElementChild;
    ready(item);
    list.prepend(item);
    for (let last = list.lastElementChild; list.children.length > kept; last = list.lastElementChild) {
      if (last.contains(document.activeElement)) break;
      last.remove();
    }
    if (!quietly && (entry.refused || !list.classList.contains("refused-only"))) announce(entry);
  };

  // ---- participants: a row that is there keeps its link, so that the focus stays where it is

  const seat = html => {
    const template = document.createElement("template");
    template.innerHTML = html; // escaped like an entry
    const fresh = template.content.firstElementChild, { name, sort, used } = fresh.dataset;
    const old = [...rows.children].find(one => one.dataset.name === name);
    if (!old) return rows.insertBefore(fresh, [...rows.children].find(one => one.dataset.sort > sort) ?? null);
    old.dataset.used = used;
    [...fresh.cells].slice(1).forEach((cell, index) => old.cells[index + 1].replaceWith(cell));
  };

  const seated = () => {
    const names = [...rows.children].map(one => one.dataset.name);
    document.body.classList.toggle("room", Boolean(asked.name) || names.some(name => name !== "no name"));
    const links = new Map([["", everyone], ...[...rows.children].map(one => [one.dataset.name, one.querySelector("a")])]);
    links.forEach((link, name) => {
      if (name === (asked.name ?? "")) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    });
    for (const select of chosen) offer(select);
  };

  // what was used, and how often: what is there stays, so that a list that is open does
  const offer = select => {
    const counts = new Map(), there = new Map([...select.options].map(one => [one.value, one]));
    for (const { dataset } of rows.children) {
      if (asked.name && asked.name !== dataset.name) continue;
      for (const [text, times] of Object.entries(JSON.parse(dataset.used)[select.id])) {
        const one = counts.get(text) ?? { times: 0, whose: dataset.name };
        counts.set(text, { ...one, times: one.times + times });
      }
    }
    const current = asked[select.id] ?? "";
    if (current && !counts.has(current)) counts.set(current, { times: 0, whose: "" });
    counts.forEach(({ times, whose }, text) => {
      const label = `${text} (${times})${select.id === "key" && !asked.name ? ` ${whose}` : ""}`;
      if (!there.has(text)) select.add(new Option(label, text));
      else if (there.get(text).text !== label) there.get(text).text = label;
    });
    select.value = current;
  };

  const choose = change => {
    asked = { ...asked, ...change };
    const query = new URLSearchParams(Object.entries(asked).filter(([, text]) => text)).toString();
    history.replaceState(null, "", query ? `?${query}` : location.pathname);
    if ("name" in change) chosen.forEach(select => { select.length = 1; });
    newest = 0;
    list.replaceChildren();
    seated();
    byId("controls").scrollIntoView();
    atOnce();
  };

  byId("people").addEventListener("click", event => {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    choose({ name: link === everyone ? "" : link.closest("tr").dataset.name, client: "", key: "", sign_in: "" });
    say(link === everyone ? "Requests of everyone." : `Requests of ${asked.name} alone.`);
  });

  for (const select of chosen) {
    select.addEventListener("change", () => choose({ [select.id]: select.value }));
  }

  const start = byId("start");
  const close = () => {
    if (!start.contains(document.activeElement)) start.open = false;
  };

  const ask = async forced => {
    const mine = turn, query = new URLSearchParams({ ...asked, n: newest, run, page });
    const answer = await fetch(`explain/since?${query}`, { cache: "no-store" });
    if (!answer.ok) throw new TypeError(`status ${answer.status}`);
    const feed = await answer.json();
    if (mine !== turn || (paused && !forced)) return;
    if (lost) say("The server answers again.");
    lost = false;
    if (feed.run !== run) {
      if (list.children.length || rows.children.length) say("All was begun anew: what was here is gone.");
      list.replaceChildren();
      rows.replaceChildren();
      chosen.forEach(select => { select.length = 1; });
    }
    const anew = feed.run !== run;
    ({ run, newest, wait } = feed);
    feed.people.forEach(seat);
    if (anew || feed.people.length) seated();
    if (feed.entries.length && !list.children.length) close();
    feed.entries.forEach(entry => add(entry, forced));
    if (anew || forced || feed.entries.length) counted();
  };

  // one loop of a turn: what an earlier turn still waits for answers another question
  const poll = async forced => {
    const mine = turn;
    let pause = wait;
    try {
      if (!paused || forced) await ask(forced);
      pause = document.hidden ? Math.max(wait, AGAIN) : wait;
    } catch (error) {
      if (!lost) say("The server does not answer. It is asked again every two seconds.");
      lost = true;
      pause = AGAIN;
    }
    if (mine === turn) timer = setTimeout(poll, pause);
  };

  const atOnce = () => {
    turn += 1;
    clearTimeout(timer);
    poll(true);
  };

  // ---- the trainer's URL has a secret behind its #, which is sent nowhere but with a reset

  const reset = byId("reset");
  const train = () => {
    const given = location.hash.match(/^#trainer=([\w-]+)$/);
    if (given) {
      sessionStorage.setItem("trainer", given[1]);
      history.replaceState(null, "", location.pathname + location.search);
    }
    reset.hidden = !sessionStorage.getItem("trainer");
  };
  addEventListener("hashchange", train); // where the page is open already, its URL loads nothing
  train();
  let sure = 0;
  const unsure = () => {
    clearTimeout(sure);
    sure = 0;
    reset.textContent = "Reset for all";
  };
  reset.addEventListener("click", async () => {
    if (!sure) {
      sure = setTimeout(unsure, SURE);
      reset.textContent = "Press again to reset";
      say("Press again: all requests, counts, names and used proofs are forgotten, on all pages.");
      return;
    }
    unsure();
    const headers = { "DPoP-Lab-Trainer": sessionStorage.getItem("trainer") };
    const answer = await fetch("explain/reset", { method: "POST", headers }).catch(() => null);
    if (answer?.ok) choose({ name: "", client: "", key: "", sign_in: "" });
    else say(answer ? await answer.text() : "The server does not answer: nothing was reset.");
  });

  // the clipboard wants https or this machine; elsewhere the old way copies what is selected
  const copied = async text => {
    if (navigator.clipboard) {
      try {
        await navigator.clipboard.writeText(text);
        return true;
      } catch (error) {
        // not allowed: the old way may be
      }
    }
    const focused = document.activeElement, area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    focused.focus();
    return done;
  };

  list.addEventListener("click", async event => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    const text = button.closest("article").querySelector(".curl").textContent;
    const done = await copied(text);
    say(done ? "Copied: the request as curl, without its secrets." : "Not copied: open “As curl” and copy it there.");
    button.textContent = done ? "Copied" : "Not copied";
    setTimeout(() => { button.textContent = "Copy as curl"; }, 2000);
  });

  byId("pause").addEventListener("click", event => {
    paused = !paused;
    event.target.textContent = paused ? "Continue" : "Pause";
    say(paused ? "Paused: what comes now is shown when you continue." : "Continued.");
  });

  byId("clear").addEventListener("click", () => {
    list.replaceChildren();
    counted();
    say("Cleared. Reloading the page brings back what the server still has.");
  });

  byId("refused-only").addEventListener("change", event => {
    list.classList.toggle("refused-only", event.target.checked);
  });

  byId("controls").hidden = false;
  byId("still").hidden = true;
  ready(list);
  seated();
  counted();
  poll();
})();
