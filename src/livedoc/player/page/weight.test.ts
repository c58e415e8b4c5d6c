import assert from "node:assert/strict"
import { test } from "node:test"
import { weight } from "./weight.ts"

const packages = {
  web: { imports: ["web"], size: 100, depends: ["events"] },
  events: { imports: ["events", "_events"], size: 20, depends: ["web"] },
  models: { imports: ["models"], size: 3, depends: [] },
}

const cases: [string, number][] = [
  ["import web", 1120],
  ["x = 1\n  from _events.loop import run", 1120],
  ["import models\nimport web", 1123],
  ["import models", 1003],
  ["import webs  # import web", 1000],
  ["", 1000],
]
for (const [script, bytes] of cases)
  test(`a run of ${JSON.stringify(script)} fetches at most what it imports`, () => {
    assert.equal(weight(script, 1123, packages), bytes)
  })
