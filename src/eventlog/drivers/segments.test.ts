import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventLogSuite } from '../../testing/index.ts'
import { segmentsEventLog } from './segments.ts'

eventLogSuite('segments', async () => {
  const options = { path: await mkdtemp(join(tmpdir(), 'lockstep-segments-')), segmentBytes: 512 * 1024 }
  return {
    log: segmentsEventLog(options),
    reopen: () => Promise.resolve(segmentsEventLog(options)),
    elsewhere: { module: import.meta.resolve('./segments.ts'), factory: 'segmentsEventLog', options },
    cleanup: () => rm(options.path, { recursive: true }),
  }
})
