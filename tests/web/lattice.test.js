/**
 * The lattice of permissions, as the page reckons it: every permission, role and layer, and the rule that less given is
 * never more allowed.
 */

import assert from "node:assert/strict";
import test from "node:test";
import { CONSENTS, NEVER_IMPLIED, OWNER, allows, effective, strictest } from "../../viewer/avl_viewer/web/rights/effective.js";
import { PERMISSION, PRESETS } from "../../viewer/avl_viewer/web/wire/registry.js";

/** @typedef {"grant" | "policies" | "host" | "consent" | "request"} Layer */
const LAYERS = /** @type {Layer[]} */ (["grant", "policies", "host", "consent", "request"]);
const ROLES = /** @type {const} */ (["VIEWER", "ASSISTANT", "OPERATOR", "ADMIN", "OWNER"]);
const ALL = Object.values(PERMISSION);

/** What is left where one layer gives this, and the others that. @param {Layer} layer @param {number} value @param
 * {number} others */
function withLayer(layer, value, others) {
  const layers = { grant: others, policies: [others, others], host: others, consent: others, request: others };
  return effective({ ...layers, [layer]: layer === "policies" ? [others, value] : value });
}

test("every layer takes every permission from every role", () => {
  for (const permission of ALL) {
    for (const role of ROLES) {
      for (const layer of LAYERS) {
        const without = withLayer(layer, OWNER & ~permission, PRESETS[role]);
        assert.equal(without, permission === PERMISSION.VIEW ? 0 : PRESETS[role] & ~permission, `${permission} ${role} ${layer}`);
        assert.equal(withLayer(layer, PRESETS[role], OWNER), PRESETS[role]);
      }
    }
  }
});

test("a permission needs every layer", () => {
  for (const permission of ALL.filter((one) => one !== PERMISSION.VIEW)) {
    for (let given = 0; given < 1 << LAYERS.length; given++) {
      const [grant, policy, host, consent, request] = LAYERS.map((_, at) => PERMISSION.VIEW | ((given >> at) & 1 ? permission : 0));
      const left = effective({ grant, policies: [policy], host, consent, request });
      assert.equal(Boolean(left & permission), given === (1 << LAYERS.length) - 1);
    }
  }
});

test("less given is never more allowed", () => {
  let seed = 1;
  const draw = () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) & OWNER;
  for (let round = 0; round < 5000; round++) {
    const layers = { grant: draw(), policies: [draw(), draw()].slice(0, round % 3), host: draw(), consent: draw(), request: draw() };
    const before = effective(layers);
    const taken = draw();
    for (const layer of LAYERS) {
      const less = layer === "policies" ? [...layers.policies, OWNER & ~taken] : layers[layer] & ~taken;
      const after = effective({ ...layers, [layer]: less });
      assert.equal(after & ~before, 0);
      assert.equal(after & taken, 0);
    }
  }
});

test("what is never implied is in no role below Admin", () => {
  for (const role of /** @type {const} */ (["VIEWER", "ASSISTANT", "OPERATOR", "CODE"])) assert.equal(PRESETS[role] & NEVER_IMPLIED, 0);
  assert.equal(PRESETS.ADMIN & PERMISSION.DELEGATE, 0);
});

test("the most careful consent counts", () => {
  assert.equal(strictest([]), "never");
  for (const one of CONSENTS) for (const other of CONSENTS) assert.ok(allows(one, strictest([one, other])) && allows(other, strictest([one, other])));
});
