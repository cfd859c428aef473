/**
 * Share links: those that one has made, each to be taken back.
 */

import { foreign, h, put } from "../../account/dom.js";
import { takeLinkBack } from "../../account/links.js";
import { chooser } from "../elements/chooser.js";
import { ask, sure } from "../elements/dialog.js";
import { List } from "../elements/list.js";
import { failed, toast } from "../elements/toast.js";
import { form } from "../forms.js";
import { icon } from "../icons.js";
import { moment, t, when } from "../words.js";
import { dashed } from "./connect.js";
import { keyNotice } from "./keynotice.js";
import { shareDialog } from "./share.js";

/** @typedef {import("../desk.js").Desk} Desk */

/** @param {import("../desk.js").Visit} visit */
export async function open({ desk, into, signal, head }) {
  /** What devices are called. @type {Map<string, string>} */
  const names = new Map();
  const counted = h("span", { class: "count", role: "status" });
  const make = () => void newLink(desk).then((made) => (made ? list.reload() : undefined)).catch(failed);
  const off = (await desk.api.call("GET", "/me")).off.includes("share_links");
  const button = (/** @type {string} */ id) => h("button", { type: "button", class: "primary", id, disabled: off || !desk.ownKey, title: off ? t("shares.off") : desk.ownKey ? null : t("key.short"), onclick: make }, t("shares.make"));
  const list = new List({
    label: t("shares.title"),
    key: (share) => share.id,
    source: async (after) => {
      const told = await desk.api.call("GET", `/shares?${new URLSearchParams({ limit: "100", ...(after ? { after } : {}) })}`);
      const unknown = [...new Set(told.items.map((/** @type {any} */ one) => String(one.device)))].filter((one) => !names.has(one));
      await Promise.all(unknown.map(async (one) => {
        const device = await desk.api.call("GET", `/devices/${one}`).catch(() => null);
        names.set(one, foreign(device?.name, 128) || dashed(one));
      }));
      return told;
    },
    columns: [
      { title: t("shares.device"), width: "36%", by: (share) => names.get(share.device) ?? "", cell: (share) => h("div", { class: "name" }, h("strong", {}, names.get(share.device) ?? dashed(share.device)), h("span", { class: "quiet" }, foreign(share.name, 80))) },
      { title: t("shares.ends"), width: "24%", by: (share) => share.expires, cell: (share) => h("span", { title: moment(share.expires) }, when(share.expires)) },
      { title: t("shares.created"), width: "20%", by: (share) => share.created, cell: (share) => when(share.created), wide: true },
      { title: "", heard: t("shares.take"), width: "150px", cell: (share) => h("div", { class: "row" }, h("button", { type: "button", class: "danger", "aria-label": t("shares.takeFrom", { name: names.get(share.device) ?? "" }), onclick: () => void takeBack(share) }, t("shares.take"))) },
    ],
    empty: () => h("div", { class: "empty" }, icon("shares"), h("h2", {}, t("shares.none")), h("p", {}, t("shares.noneText")), button("first-link")),
    counted: (text) => put(counted, text),
  });

  /** @param {any} share */
  async function takeBack(share) {
    const gone = await sure({ title: t("shares.takeTitle", { name: names.get(share.device) ?? "" }), text: t("shares.takeText"), yes: t("shares.take"), act: () => takeLinkBack(desk, share) });
    if (!gone) return;
    toast(t("shares.taken"));
    await list.reload();
  }

  head(t("shares.title"), button("new-link"));
  put(into, off && h("p", { class: "notice", role: "status" }, t("shares.off")), keyNotice(desk), h("div", { class: "filters" }, counted), list);
  desk.events.on(["rights", "resync"], () => list.reloadSoon(), signal);
  await list.reload();
}

/** Choose one of one's own devices, and make a link to it. @param {Desk} desk */
async function newLink(desk) {
  const devices = new Map();
  const choosing = chooser({
    label: t("shares.device"),
    single: true,
    source: async (query) => {
      const told = await desk.api.call("GET", `/devices?${new URLSearchParams({ limit: "50", ...(query ? { query } : {}) })}`);
      const items = told.items.filter((/** @type {any} */ one) => one.owner_thumbprint === desk.ownKey?.thumbprint && one.state === "active");
      for (const one of items) devices.set(one.number, one);
      return { ...told, items };
    },
    key: (device) => device.number,
    text: (device) => foreign(device.name, 80),
  });
  const chosen = await ask({
    title: t("shares.which"),
    body: (close) => [
      form({
        act: async () => {
          const [number] = choosing.read();
          if (!number) throw new Error(t("shares.chooseFirst"));
          close(number);
        },
        submit: t("shares.next"),
        more: [h("button", { type: "button", onclick: () => close() }, t("dialog.cancel"))],
      }, choosing.element),
    ],
  });
  return chosen ? shareDialog(desk, devices.get(chosen)) : false;
}
