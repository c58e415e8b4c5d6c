import assert from "node:assert/strict"
import { test } from "node:test"
import type { LogRecord } from "../messages.ts"
import { apart, sorted } from "./lanes.ts"

const record = (message: string, ...extra: LogRecord["extra"]): LogRecord => {
  return { logger: "race", level: "DEBUG", message, extra, traceback: "" }
}

test("records that name a lane are events in their order, and the others stay", () => {
  const plain = record("starts", ["bytes", "7"])
  const { events, others } = apart([
    record("reads", ["lane", "Alice"]),
    plain,
    record("reads", ["bytes", "7"], ["lane", "Bob"]),
    record("writes", ["lane", "Alice"]),
  ])
  assert.deepEqual(events, [
    { lane: "Alice", text: "reads" },
    { lane: "Bob", text: "reads" },
    { lane: "Alice", text: "writes" },
  ])
  assert.deepEqual(others, [plain])
})

test("a lane without a name is none, and what is in a seventh lane stays a record", () => {
  const lanes = Array.from({ length: 8 }, (_, index) => record("works", ["lane", String(index)]))
  const { events, others } = apart([record("waits", ["lane", ""]), ...lanes, record("works", ["lane", "0"])])
  assert.deepEqual(
    events.map(({ lane }) => lane),
    ["0", "1", "2", "3", "4", "5", "0"],
  )
  assert.deepEqual(
    others.map(({ message }) => message),
    ["waits", "works", "works"],
  )
})

test("a lane has the same side whichever began", () => {
  assert.deepEqual(sorted(["request 10", "request 2", "request 1"]), ["request 1", "request 2", "request 10"])
})
