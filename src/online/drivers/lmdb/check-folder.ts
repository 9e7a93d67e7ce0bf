import { accessSync, closeSync, constants, existsSync, fstatSync, mkdirSync, openSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { LockstepError } from '../../../errors.ts'

/**
 * Makes sure that LMDB can open the folder, and makes the folder unless `readOnly`. LMDB would end the process where it cannot.
 * Throws `INVALID_ARGUMENT` or `STORE_CORRUPT`.
 */
export function checkFolder(path: string, readOnly: boolean): void {
  const data = join(path, 'data.mdb')
  try {
    if (!readOnly) mkdirSync(path, { recursive: true })
    if (!statSync(path).isDirectory()) throw unusable(path, 'a file is in its place')
    if (existsSync(data)) accessSync(data, readOnly ? constants.R_OK : constants.R_OK | constants.W_OK)
    // Readers too write down which snapshot they read.
    accessSync(existsSync(join(path, 'lock.mdb')) ? join(path, 'lock.mdb') : path, constants.R_OK | constants.W_OK)
  } catch (error) {
    if (error instanceof LockstepError) throw error
    const { code = '' } = error as NodeJS.ErrnoException
    throw unusable(path, reasons[code] ?? code, error)
  }
  const file = existsSync(data) ? openSync(data, 'r') : undefined
  try {
    const bytes = file === undefined ? 0 : fstatSync(file).size
    if (file !== undefined && bytes > 0) checkData(file, bytes, path)
    else if (readOnly) throw unusable(path, 'nothing has been written to it')
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

const reasons: Record<string, string> = {
  EEXIST: 'a file is in its place',
  ENOTDIR: 'a file is in its way',
  ENOENT: 'it is not there',
  EACCES: 'this process may not read and write it',
  EROFS: 'its file system cannot be written',
}

function unusable(path: string, why: string, cause?: unknown): LockstepError {
  return new LockstepError('INVALID_ARGUMENT', `The folder of the online store cannot be used: ${why}`, {
    where: path,
    remedy: 'Name a folder that this process may read and write; to read only, one that a materialization has filled.',
    cause,
  })
}

const headerBytes = 160
const [metaPage, magic, format, noPage] = [0x08, 0xbeefc0de, 2, 0xffff_ffff_ffff_ffffn]

/** The first two pages say where the trees begin; the one of the later transaction holds. */
function checkData(file: number, bytes: number, path: string): void {
  const corrupt = (why: string) =>
    new LockstepError('STORE_CORRUPT', `The file of the online store cannot be read: ${why}`, { where: join(path, 'data.mdb') })
  const header = (at: number): DataView => {
    const view = new DataView(new ArrayBuffer(headerBytes))
    const read = readSync(file, view, 0, headerBytes, at)
    const right = (view.getUint16(18, true) & metaPage) !== 0 && view.getUint32(24, true) === magic
    if (read < headerBytes || !right) throw corrupt('it is not one of LMDB')
    if ((view.getUint32(28, true) & 0xffff) !== format) throw corrupt('its format is one of another version of LMDB')
    return view
  }
  const first = header(0)
  const pageBytes = first.getUint32(48, true)
  const second = header(pageBytes)
  const newest = second.getBigUint64(152, true) > first.getBigUint64(152, true) ? second : first
  for (const root of [newest.getBigUint64(88, true), newest.getBigUint64(136, true)]) {
    if (root !== noPage && (root + 1n) * BigInt(pageBytes) > bytes) throw corrupt(`it is cut short at ${bytes} bytes`)
  }
}
