/** Which program is started, and what never is. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { findProgram, type Probe, type Surroundings } from "../src/program/find";

const OURS = "copilot, version 0.1.0";
const plain: Surroundings = {
  setting: "",
  folders: ["/src/shop"],
  isTrusted: true,
  path: "/usr/local/bin:/usr/bin",
  home: "/home/me",
  platform: "linux",
};

/** A machine with these programs, by what they say of themselves; it remembers which of them it ran. */
function machine(programs: Readonly<Record<string, string>>): Probe & { readonly ran: string[] } {
  const ran: string[] = [];
  return {
    ran,
    isProgram: (path) => Promise.resolve(path in programs),
    version: (path) => {
      ran.push(path);
      return Promise.resolve(programs[path] ?? "");
    },
  };
}

await test("the setting comes before the workspace, and that before PATH", async () => {
  const all = machine({ "/opt/copilot": OURS, "/src/shop/.venv/bin/copilot": OURS, "/usr/bin/copilot": OURS });
  const found = [
    await findProgram({ ...plain, setting: "/opt/copilot" }, all),
    await findProgram(plain, all),
    await findProgram({ ...plain, folders: [] }, all),
  ];
  assert.deepEqual(found, [
    { program: "/opt/copilot", from: "setting" },
    { program: "/src/shop/.venv/bin/copilot", from: "workspace" },
    { program: "/usr/bin/copilot", from: "path" },
  ]);
});

await test("nothing of a folder without trust is run, by whatever way it is named", async () => {
  const hostile = machine({ "/src/shop/.venv/bin/copilot": OURS, "/src/shop/bin/copilot": OURS });
  for (const change of [{}, { setting: "/src/shop/bin/copilot" }, { path: "/src/shop/bin:bin:.:" }]) {
    const found = await findProgram({ ...plain, ...change, isTrusted: false }, hostile);
    assert.equal("cure" in found && found.cure, "trust");
  }
  assert.deepEqual(hostile.ran, []);
});

await test("without trust the one on PATH is still found", async () => {
  const found = await findProgram(
    { ...plain, isTrusted: false },
    machine({ "/src/shop/.venv/bin/copilot": OURS, "/usr/bin/copilot": OURS }),
  );
  assert.deepEqual(found, { program: "/usr/bin/copilot", from: "path" });
});

await test("another program of the same name is passed over, and named if there is no other", async () => {
  const other = "GitHub Copilot CLI 0.0.420";
  const found = await findProgram(plain, machine({ "/usr/local/bin/copilot": other, "/usr/bin/copilot": OURS }));
  assert.deepEqual(found, { program: "/usr/bin/copilot", from: "path" });
  const missing = await findProgram(plain, machine({ "/usr/local/bin/copilot": other }));
  assert.match("problem" in missing ? missing.problem : "", /\/usr\/local\/bin\/copilot is another program/);
});

await test("a setting that is wrong is said and not replaced by something else", async () => {
  const all = machine({ "/usr/bin/copilot": OURS, "/opt/other": "other 1.0" });
  for (const setting of ["copilot", "./copilot", "/opt/none", "/opt/other"]) {
    const found = await findProgram({ ...plain, setting }, all);
    assert.equal("cure" in found && found.cure, "setting", setting);
  }
});

await test("~ in the setting is the user's home", async () => {
  const found = await findProgram({ ...plain, setting: "~/bin/copilot" }, machine({ "/home/me/bin/copilot": OURS }));
  assert.deepEqual(found, { program: "/home/me/bin/copilot", from: "setting" });
});

await test("Windows has its own names and separators", async () => {
  const windows: Surroundings = { ...plain, platform: "win32", folders: ["C:\\shop"], path: "C:\\bin;tools" };
  const local = "C:\\shop\\.venv\\Scripts\\copilot.exe";
  assert.deepEqual(await findProgram(windows, machine({ [local]: OURS })), { program: local, from: "workspace" });
  const path = machine({ "C:\\bin\\copilot.exe": OURS });
  assert.deepEqual(await findProgram(windows, path), { program: "C:\\bin\\copilot.exe", from: "path" });
});
