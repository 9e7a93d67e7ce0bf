import { join } from 'node:path'
import { LockstepError } from '../../../errors.ts'
import type { Disk } from '../../../lib/disk.ts'

/** Raised when the files of a topic are laid out in another way. */
const layout = 1

/** How many partitions a topic has, by the file that makes a folder a topic; null where it is none. */
export async function readTopicFile(disk: Disk, folder: string): Promise<number | null> {
  const path = join(folder, 'topic.json')
  const file = await disk.open(path)
  if (file === null) return null
  try {
    const bytes = new Uint8Array(await file.size())
    await file.read(0, bytes)
    const stored = JSON.parse(Buffer.from(bytes).toString()) as { layout: number; partitions: number }
    if (stored.layout === layout) return stored.partitions
    throw new LockstepError('STORE_CORRUPT', `The topic has the layout ${stored.layout}, this version reads ${layout}`, { where: path })
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    throw new LockstepError('STORE_CORRUPT', 'The file of the topic cannot be read', { where: path, cause })
  } finally {
    await file.close()
  }
}

export async function writeTopicFile(disk: Disk, folder: string, partitions: number): Promise<void> {
  for (let partition = 0; partition < partitions; partition++) await disk.makeFolder(join(folder, `${partition}`))
  const temporary = join(folder, 'topic.new')
  const file = await disk.create(temporary)
  try {
    await file.truncate(0)
    await file.write(0, Buffer.from(JSON.stringify({ layout, partitions })))
    await file.sync()
  } finally {
    await file.close()
  }
  await disk.rename(temporary, join(folder, 'topic.json'))
  await disk.syncFolder(folder)
}
