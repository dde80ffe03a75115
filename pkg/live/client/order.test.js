import assert from "node:assert/strict";
import { test } from "node:test";
import { address, again, backoff, fits, isRefused, moment, place, Position } from "./order.js";

test("a row fits the tabs that it names, and a list without tab shows what is in any", () => {
  assert.equal(fits("waiting", ["waiting", "all"]), true);
  assert.equal(fits("rejected", ["waiting", "all"]), false);
  assert.equal(fits("", ["all"]), true);
  assert.equal(fits(undefined, []), false);
});

test("a name has its place in the alphabet", () => {
  const rows = ["ofen", "öl", "ol zwei", "zebra"].map((sort) => ({ sort, id: sort }));
  const at = (sort, id = sort) => place(rows, { sort, id }, "name");
  assert.deepEqual([at("abc"), at("ol"), at("öle"), at("zürich"), at("öl", "öl1"), at("öl", "a")], [0, 1, 3, 4, 2, 1]);
});

test("a row has its place by sort key and then id, either way round", () => {
  const rows = [{ sort: "1", id: "a" }, { sort: "2", id: "a" }, { sort: "2", id: "c" }, { sort: "3", id: "a" }];
  const at = (sort, id) => place(rows, { sort, id }, "asc");
  assert.deepEqual([at("0", "z"), at("1", "b"), at("2", "b"), at("9", "a"), place([], { sort: "", id: "" }, "asc")], [0, 1, 2, 4, 0]);
  const back = rows.toReversed();
  assert.deepEqual([place(back, { sort: "9", id: "a" }, "desc"), place(back, { sort: "2", id: "b" }, "desc"),
    place(back, { sort: "0", id: "a" }, "desc")], [0, 2, 4]);
});

test("waits grow, differ and end at 15 s", () => {
  assert.equal(backoff(0, 1), 500);
  assert.equal(backoff(0, 0), 125);
  assert.equal(backoff(3, 1), 4000);
  assert.equal(backoff(99, 1), 15_000);
});

test("what is refused is asked for again when the server says, later each time, and not by all at once", () => {
  const busy = { status: 503, headers: new Headers({ "Retry-After": "3" }) }, unable = { status: 503, headers: new Headers() };
  assert.deepEqual([isRefused(busy), isRefused({ ...busy, status: 429 }), isRefused({ ...busy, status: 200 }), isRefused(unable)], [true, true, false, false]);
  assert.deepEqual([again(busy, 0, 0), again(busy, 0, 1), again(busy, 1, 0), again(busy, 99, 1), again(unable, 0, 0)], [3000, 4500, 6000, 45_000, 2000]);
});

test("pages fetch themselves again within the span that the server gives", () => {
  assert.equal(moment(10_000, 0.5), 5000);
  assert.equal(moment(10_000, 0), 0);
  assert.equal(moment(undefined, 1), 1500);
});

test("the socket's address is the page's, with the cursor", () => {
  assert.equal(address("/live", "https://pay.example/x?y", "e:1-0"), "wss://pay.example/live?since=e%3A1-0");
  assert.equal(address("/live?a=b", "http://localhost:3000/", ""), "ws://localhost:3000/live?a=b&since=");
});

test("messages advance the position", () => {
  const p = new Position("e:1-0");
  p.message({ cursor: "e:2-0" });
  p.message({ late: true });
  assert.equal(p.cursor, "e:2-0");
});

test("after a reset only a page made anew gives a position", () => {
  const p = new Position("e:1-0");
  p.message({ reset: true });
  p.message({ cursor: "f:2-0" });
  assert.equal(p.cursor, "");
  p.page("f:1-0");
  p.message({ since: "f:1-0" });
  p.message({ cursor: "f:2-0" });
  assert.equal(p.cursor, "f:2-0");
});

test("what was under way when a page came does not advance its position", () => {
  const p = new Position("e:5-0");
  p.page("e:3-0");
  p.message({ cursor: "e:6-0" }); // sent before the server knew
  assert.equal(p.cursor, "e:3-0");
  p.message({ since: "e:3-0" });
  p.message({ cursor: "e:4-0" });
  assert.equal(p.cursor, "e:4-0");
});

test("a socket opened with the page's cursor needs no answer", () => {
  const p = new Position("e:1-0");
  p.page("e:3-0");
  p.opened("e:3-0");
  p.message({ cursor: "e:4-0" });
  assert.equal(p.cursor, "e:4-0");
});
