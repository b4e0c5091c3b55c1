"""The HTML page of a pod, which shows the pod that answers and polls it twice a second."""

from __future__ import annotations

PAGE = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Hello</title>
<style>
  body { font: 1.1rem/1.6 system-ui, sans-serif; margin: 0; min-height: 100vh; display: grid; place-content: center;
         color: white; background: #444; transition: background .3s; }
  body.blue { background: #1d4ed8 } body.green { background: #15803d } body.lost { background: #b91c1c }
  h1 { margin: 0; font-size: 4rem }
  dl { display: grid; grid-template-columns: auto 1fr; gap: 0 1.5rem } dd { margin: 0 }
  ol { list-style: none; padding: 0; display: flex; gap: 2px } li { width: 6px; height: 24px; background: #888 }
  li.blue { background: #93c5fd } li.green { background: #86efac } li.lost { background: #fca5a5 }
</style>
<h1 id="version"></h1>
<dl>
  <dt>environment<dd id="environment">
  <dt>service<dd id="service">
  <dt>slot<dd id="slot">
  <dt>pod<dd id="pod">
</dl>
<ol id="last" title="the last answers"></ol>
<script>
  // Each time by a new connection: one that is kept, by the load balancer, stays with its slot.
  const url = `${location.pathname}${location.search ? `${location.search}&` : "?"}once`;
  async function ask() {
    let who, kind = "lost";
    try {
      const answer = await fetch(url, {headers: {Accept: "application/json"}, cache: "no-store"});
      who = await answer.json();
      if (answer.ok) kind = who.slot || "";
    } catch { who = {}; }
    for (const name of ["version", "environment", "service", "slot", "pod"])
      document.getElementById(name).textContent = who[name] ?? "no answer";
    document.body.className = kind;
    document.title = `${who.version ?? "no answer"} ${who.environment ?? ""}`;
    const mark = document.createElement("li"), last = document.getElementById("last");
    mark.className = kind;
    last.append(mark);
    if (last.children.length > 60) last.firstChild.remove();
    setTimeout(ask, 500);
  }
  ask();
</script>
</html>
"""
