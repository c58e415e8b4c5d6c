/** What the page asks of the worker. */
export type Request = { kind: "run"; run: number; path: string; source: string }

/** What the worker answers. Each answer names the run it belongs to, so that one of an older run can be told apart. */
export type Reply =
  | { kind: "loading"; run: number; loaded: number; total: number } // bytes
  | { kind: "starting"; run: number }
  | { kind: "running"; run: number }
  | { kind: "output"; run: number; text: string }
  | { kind: "done"; run: number; seconds: number }
  | { kind: "failed"; run: number; seconds: number; traceback: string }
  | { kind: "unavailable"; run: number; reason: string } // Python itself could not start
