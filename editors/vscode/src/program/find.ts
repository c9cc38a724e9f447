/**
 * Which program to start: the one the settings name, one of the workspace's own environment, one on PATH.
 *
 * A folder that is not trusted never says what is run: not by its settings (VS Code keeps those back), not by what lies in
 * it, not by way of a relative PATH. Does not know: VS Code, file systems, processes.
 */

import * as nodePath from "node:path";

/** What is there to look at. */
export interface Surroundings {
  /** The setting `copilot-offline.path`; "" if it is not set. */
  readonly setting: string;
  /** The absolute paths of the workspace's folders. */
  readonly folders: readonly string[];
  readonly isTrusted: boolean;
  /** The variable PATH. */
  readonly path: string;
  readonly home: string;
  readonly platform: NodeJS.Platform;
}

/** Questions to the machine. */
export interface Probe {
  isProgram(path: string): Promise<boolean>;
  /** What `PROGRAM --version` says first; "" if it cannot be run. Runs it: only for what may be run. */
  version(path: string): Promise<string>;
}

export interface Found {
  readonly program: string;
  readonly from: "setting" | "workspace" | "path";
}

/** Why there is none, and whether trusting the workspace or another setting would help. */
export interface Missing {
  readonly problem: string;
  readonly cure: "install" | "setting" | "trust";
}

const OURS = /^copilot, version \d/;

/** The program to start, or why there is none. */
export async function findProgram(around: Surroundings, probe: Probe): Promise<Found | Missing> {
  if (around.setting.trim() !== "") {
    return named(around, probe);
  }
  const local = around.folders.flatMap((folder) => environments(folder, around.platform));
  if (around.isTrusted) {
    for (const program of local) {
      if ((await probe.isProgram(program)) && OURS.test(await probe.version(program))) {
        return { program, from: "workspace" };
      }
    }
  }
  const others: string[] = [];
  for (const program of onPath(around)) {
    if (await probe.isProgram(program)) {
      if (OURS.test(await probe.version(program))) {
        return { program, from: "path" };
      }
      others.push(program);
    }
  }
  if (!around.isTrusted) {
    for (const program of local) {
      if (await probe.isProgram(program)) {
        return { problem: `${program} is not started before you trust this folder`, cure: "trust" };
      }
    }
  }
  const other = others[0] === undefined ? "" : ` (${others[0]} is another program of that name)`;
  return { problem: `The program \`copilot\` was not found${other}`, cure: "install" };
}

async function named(around: Surroundings, probe: Probe): Promise<Found | Missing> {
  const path = paths(around.platform);
  const setting = around.setting.trim();
  const program = /^~(?=[/\\])/.test(setting) ? path.join(around.home, setting.slice(2)) : setting;
  const wrong = (problem: string): Missing => ({ problem: `"copilot-offline.path": ${problem}`, cure: "setting" });
  if (!path.isAbsolute(program)) {
    return wrong(`${setting} is no absolute path`);
  }
  if (!around.isTrusted && isInside(program, around)) {
    return { problem: `${program} is not started before you trust this folder`, cure: "trust" };
  }
  if (!(await probe.isProgram(program))) {
    return wrong(`there is no program at ${program}`);
  }
  return OURS.test(await probe.version(program))
    ? { program, from: "setting" }
    : wrong(`${program} is another program, or does not run`);
}

/** Where a folder's own environments would have it. */
function environments(folder: string, platform: NodeJS.Platform): string[] {
  const path = paths(platform);
  const inside = platform === "win32" ? ["Scripts", "copilot.exe"] : ["bin", "copilot"];
  return [".venv", "venv"].map((name) => path.join(folder, name, ...inside));
}

/** Where PATH would have it; and where pip puts it for a user whose desktop never read the shell's PATH. */
function onPath(around: Surroundings): string[] {
  const path = paths(around.platform);
  const name = around.platform === "win32" ? "copilot.exe" : "copilot";
  const folders = around.path.split(path.delimiter).filter((folder) => path.isAbsolute(folder));
  if (around.platform !== "win32") {
    folders.push(path.join(around.home, ".local", "bin"));
  }
  const programs = [...new Set(folders)].map((folder) => path.join(folder, name));
  return around.isTrusted ? programs : programs.filter((program) => !isInside(program, around));
}

function isInside(program: string, around: Surroundings): boolean {
  const path = paths(around.platform);
  return around.folders.some((folder) => {
    const way = path.relative(folder, program);
    return way !== "" && way !== ".." && !way.startsWith(`..${path.sep}`) && !path.isAbsolute(way);
  });
}

function paths(platform: NodeJS.Platform): nodePath.PlatformPath {
  return platform === "win32" ? nodePath.win32 : nodePath.posix;
}
