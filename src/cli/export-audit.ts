import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { LockstepError } from '../errors.ts'
import type { AuditEntry } from '../registry/index.ts'

export interface ExportedAudit {
  readonly entries: readonly Pick<AuditEntry, 'id' | 'at'>[]
  /** Of the file. */
  readonly sha256: string
}

/** Writes entries of the audit log to a new file as NDJSON, which is on the disk then. Throws `OUTPUT_EXISTS` and `INVALID_ARGUMENT`. */
export async function exportAudit(path: string, all: AsyncIterable<AuditEntry>): Promise<ExportedAudit> {
  await using file = await open(path, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EEXIST')
      throw new LockstepError('OUTPUT_EXISTS', 'The file is there already', { where: path, remedy: 'Choose another name, or remove it.' })
    throw new LockstepError('INVALID_ARGUMENT', `The file cannot be written: ${cause.message}`, { where: path })
  })
  const entries: Pick<AuditEntry, 'id' | 'at'>[] = []
  const hash = createHash('sha256')
  for await (const entry of all) {
    const line = `${JSON.stringify(entry)}\n`
    await file.write(line)
    hash.update(line)
    entries.push({ id: entry.id, at: entry.at })
  }
  await file.sync()
  return { entries, sha256: hash.digest('hex') }
}
