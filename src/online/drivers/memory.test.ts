import { onlineStoreSuite } from '../../testing/index.ts'
import { memoryOnlineStore } from './memory.ts'

onlineStoreSuite('memory', () => Promise.resolve({ store: memoryOnlineStore(), cleanup: () => Promise.resolve() }))
