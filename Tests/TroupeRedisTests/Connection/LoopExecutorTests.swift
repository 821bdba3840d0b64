import NIOCore
import NIOPosix
import Testing

@testable import TroupeRedis

@Suite(.timeLimit(.minutes(1)))
struct LoopExecutorTests {
    private let eventLoop = MultiThreadedEventLoopGroup.singleton.next()

    @Test func tasksRunOnTheLoopsThreadAndComeBackToIt() async {
        let eventLoop = eventLoop
        let executor = LoopExecutor(eventLoop)
        let places = await withTaskGroup { group in
            for _ in 0..<500 {
                group.addTask(executorPreference: executor) {
                    let before = eventLoop.inEventLoop
                    await Task(executorPreference: globalConcurrentExecutor) {}.value
                    return [before, eventLoop.inEventLoop]
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }

        #expect(places.count == 1000)
        #expect(places.allSatisfy { $0 })
    }

    /// Tasks that always have more to do must not keep the loop from its sockets and timers.
    @Test func tasksThatNeverRestLeaveTheLoopItsTurns() async throws {
        let busy = (0..<4).map { _ in
            Task(executorPreference: LoopExecutor(eventLoop)) {
                while !Task.isCancelled { await Task.yield() }
            }
        }

        try await eventLoop.scheduleTask(in: .milliseconds(1)) {}.futureResult.get()

        for task in busy { task.cancel() }
        for task in busy { await task.value }
    }
}
