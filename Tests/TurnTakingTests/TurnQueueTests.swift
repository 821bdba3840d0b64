import Testing
import TurnTaking

@Suite(.timeLimit(.minutes(1)))
struct TurnQueueTests {
    @Test func whoWaitsGoesOnWhenAnotherLeaves() async {
        let queue = TurnQueue(atMost: 1)
        let (first, second) = (queue.enter(), queue.enter())
        #expect(first.isGranted && !second.isGranted)
        let waiting = Task { await second.wait() }

        first.leave()
        await waiting.value

        #expect(second.isGranted)
    }

    @Test func whoWaitsGoesOnBesideOneWhoseTurnIsLent() async {
        let queue = TurnQueue(atMost: 1)
        let (first, second, third) = (queue.enter(), queue.enter(), queue.enter())
        let waiting = Task { await second.wait() }

        let isLent = first.lend()
        await waiting.value

        #expect(isLent && second.isGranted)
        #expect(!second.lend() && !third.isGranted)
        #expect(first.lend(), "it is lent already")
        first.leave()
        #expect(second.lend() && third.isGranted)
    }

    @Test func cancellationEndsTheWaitAndGivesNoTurn() async {
        let queue = TurnQueue(atMost: 1)
        let (first, second, third) = (queue.enter(), queue.enter(), queue.enter())
        let waiting = Task { await second.wait() }

        waiting.cancel()
        await waiting.value

        #expect(!second.isGranted)
        second.leave()
        first.leave()
        await third.wait()
        #expect(third.isGranted)
        #expect(queue.waitingCount == 0)
    }

    @Test func noMoreThanAllowedEverRunAtOnce() async {
        let queue = TurnQueue(atMost: 3)
        let counter = Counter()

        await withTaskGroup { group in
            for _ in 0..<200 {
                group.addTask {
                    let turn = queue.enter()
                    await turn.wait()
                    await counter.begin()
                    await counter.end()
                    turn.leave()
                }
            }
        }

        #expect(await counter.most <= 3)
        #expect(await counter.total == 200)
    }

    private actor Counter {
        private var now = 0
        private(set) var most = 0
        private(set) var total = 0

        func begin() {
            now += 1
            total += 1
            most = max(most, now)
        }

        func end() { now -= 1 }
    }
}
