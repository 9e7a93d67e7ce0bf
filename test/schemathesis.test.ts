import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { describe, test } from 'node:test'
import { pythonWith } from '../scripts/python-package.ts'
import { run } from '../scripts/run.ts'
import { servedStore } from './support/served-store.ts'

const found = await pythonWith({ name: 'Schemathesis', requirement: 'schemathesis', version: '4.32.5' })
const skip = 'skipped' in found && found.skipped
/** Seconds of requests; `LOCKSTEP_FUZZ_SECONDS` asks for more. */
const seconds = Number(process.env.LOCKSTEP_FUZZ_SECONDS ?? 15)

/** A generator of requests that knows the OpenAPI document and nothing else of the server. */
describe('Schemathesis', { skip }, () => {
  test('finds no failure of the server and no answer that the OpenAPI document does not allow', async () => {
    await using served = await servedStore({ limits: { rows: 100 } }, { online: 'lmdb' })
    const checks = 'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance'
    const choices = [
      '--checks',
      checks,
      '--phases',
      'examples,coverage,fuzzing',
      '--max-time',
      String(seconds),
      '--generation-database',
      'none',
    ]
    const { python } = found as { readonly python: string }
    const finished = await run(python, ['-m', 'schemathesis.cli', 'run', `${served.server.url}/openapi.json`, ...choices, '--seed', '7'], {
      cwd: tmpdir(),
      timeoutSeconds: seconds * 3 + 120,
    })
    assert.equal(finished.code, 0, finished.stdout.slice(-6000) + finished.stderr.slice(-2000))
    assert.match(finished.stdout, /\d+ generated/, 'requests were made')
  })
})
