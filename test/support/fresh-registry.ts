import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/lib/clock.ts'
import { momentMicros } from '../../src/lib/moment.ts'
import { sqliteDocumentStore } from '../../src/registry/drivers/sqlite.ts'
import { Registry } from '../../src/registry/index.ts'

/** A registry of its own in a file that goes with it, and the time that it has. */
export function freshRegistry() {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-registry-'))
  const clock = { now: momentMicros('2026-03-01T10:00:00Z') }
  const registry = new Registry(sqliteDocumentStore({ path: join(folder, 'registry.sqlite') }), { ...systemClock, now: () => clock.now })
  return {
    registry,
    clock,
    async [Symbol.asyncDispose]() {
      await registry.close()
      rmSync(folder, { recursive: true })
    },
  }
}
