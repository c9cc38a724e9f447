/** Answers the finder's questions from the file system and from the programs themselves. Does not know: VS Code. */

import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { homedir } from "node:os";

import type { Probe } from "./find";

/** Python's first start after an installation compiles everything. */
const PATIENCE_MS = 20_000;

export const machine: Probe = {
  async isProgram(path) {
    try {
      await access(path, constants.X_OK);
      return (await stat(path)).isFile();
    } catch {
      return false;
    }
  },

  version(path) {
    return new Promise((resolve) => {
      execFile(path, ["--version"], { cwd: homedir(), timeout: PATIENCE_MS, windowsHide: true }, (error, stdout) => {
        resolve(error ? "" : (stdout.split("\n", 1)[0] ?? "").trim());
      });
    });
  },
};
