/** A worker of the live path in a process of its own. It says `ready`, and goes on until it is killed. */
import { openClicks, type StreamPlace } from './streamed-clicks.ts'

const store = await openClicks(JSON.parse(process.argv[2] as string) as StreamPlace)
const live = await store.stream(undefined, { sessionTimeout: 6000 })
await live.ready
process.send?.('ready')
process.once('SIGTERM', () => void store.close().then(() => process.exit(0)))
await live.failed
