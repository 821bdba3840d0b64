import NIOCore
import Testing

@testable import TroupeRedis

@Suite(.timeLimit(.minutes(3)))
struct ConnectionStateTests {
    private let backoff = Backoff(minimum: .milliseconds(50), maximum: .seconds(1))

    @Test func connectsWhenFirstWanted() {
        var state = ConnectionState(comesBack: true, backoff: backoff)
        #expect(state.wanted() == .connect)
        #expect(state.wanted() == .none)
        state.greeted()
        #expect(state.isReady)
    }

    @Test func pausesLongerAfterEachFailureAndForgetsThemWhenGreeted() {
        var state = ConnectionState(comesBack: true, backoff: backoff)
        var most = MostRandom()
        _ = state.wanted()
        var pauses: [Duration] = []
        for _ in 0..<7 {
            if case .pause(let pause) = state.lost(after: .zero, &most) { pauses.append(pause) }
            #expect(state.lost(after: .zero, &most) == .none)
            #expect(state.pauseOver() == .connect)
        }
        #expect(pauses.count == 7)
        for (pause, bound) in zip(pauses, [50, 100, 200, 400, 800, 1000, 1000]) {
            #expect(pause <= .milliseconds(bound) && pause > .milliseconds(bound - 1))
        }
        state.greeted()
        #expect(state.failures == 0)
    }

    @Test func pausesGrowWhileTheServerGreetsAndTurnsAway() {
        var state = ConnectionState(comesBack: true, backoff: backoff)
        var most = MostRandom()
        _ = state.wanted()
        var pauses: [Duration] = []
        for _ in 0..<6 {
            state.greeted()
            state.turnAway()
            let action = state.lost(after: .milliseconds(3), &most)
            if case .pause(let pause) = action { pauses.append(pause) }
            _ = state.pauseOver()
        }
        for (pause, bound) in zip(pauses, [50, 100, 200, 400, 800, 1000]) {
            #expect(pause <= .milliseconds(bound) && pause > .milliseconds(bound - 1))
        }

        state.greeted()
        state.turnAway()
        guard case .pause(let pause) = state.lost(after: .seconds(60), &most) else {
            Issue.record("it does not come back")
            return
        }
        #expect(pause <= .milliseconds(50), "a link that held for long begins anew")
    }

    @Test func aLinkThatHeldIsLostAsIfNoneHadBeenTurnedAway() {
        var state = ConnectionState(comesBack: true, backoff: backoff)
        var most = MostRandom()
        _ = state.wanted()
        for _ in 0..<6 {
            state.greeted()
            state.turnAway()
            _ = state.lost(after: .milliseconds(3), &most)
            _ = state.pauseOver()
        }
        state.greeted()

        guard case .pause(let pause) = state.lost(after: .seconds(60), &most) else {
            Issue.record("it does not come back")
            return
        }
        #expect(pause <= .milliseconds(50))
        #expect(state.failures == 1, "the first failure is the one that is warned of")
        _ = state.pauseOver()
        state.greeted()
        #expect(state.failures == 0)
    }

    @Test func aLeaseNeverComesBack() {
        var state = ConnectionState(comesBack: false, backoff: backoff)
        var random = SystemRandomNumberGenerator()
        _ = state.wanted()
        state.greeted()
        #expect(state.lost(after: .zero, &random) == .stop)
        #expect(state.isClosed)
        #expect(state.wanted() == .none)
    }

    @Test func staysClosed() {
        var state = ConnectionState(comesBack: true, backoff: backoff)
        var random = SystemRandomNumberGenerator()
        _ = state.wanted()
        let (first, second) = (state.close(), state.close())
        #expect(first && !second)
        state.greeted()
        #expect(state.lost(after: .zero, &random) == .none)
        #expect(state.pauseOver() == .none)
        #expect(state.wanted() == .none)
        #expect(!state.isReady)
    }

    @Test func jittersOverTheWholeSpan() {
        var random = SplitMix(seed: 7)
        let pauses = (0..<200).map { _ in backoff.delay(after: 0, &random) }
        #expect(pauses.allSatisfy { $0 >= .zero && $0 <= .milliseconds(50) })
        #expect(pauses.contains { $0 < .milliseconds(10) })
        #expect(pauses.contains { $0 > .milliseconds(40) })
    }

    @Test func greetsWithAllThatIsConfigured() {
        var configuration = RedisConfiguration()
        configuration.username = "user"
        configuration.password = "word"
        configuration.database = 2
        configuration.clientName = "a b\r\nc"
        let text = String(decoding: Greeting(configuration).bytes, as: UTF8.self)
        let words = ["AUTH", "user", "word", "SELECT", "2", "CLIENT", "SETNAME", "abc", "PING"]
        #expect(
            text.split(separator: "\r\n").map(String.init).filter { words.contains($0) } == words)
    }

    @Test(arguments: ["NOPERM no", "MISCONF Errors writing to the AOF file"])
    func isReadyWhenTheServerAnswersWhatReads(error: String) {
        var configuration = RedisConfiguration()
        configuration.clientName = ""
        var greeting = Greeting(configuration)
        guard case .ready = greeting.receive(RedisValue(.failure(ByteBuffer(string: error)))) else {
            Issue.record("taken for not ready")
            return
        }
    }

    @Test func isNotReadyWhileTheServerLoads() {
        var configuration = RedisConfiguration()
        configuration.clientName = ""
        var greeting = Greeting(configuration)
        let loading = RedisValue(.failure(ByteBuffer(string: "LOADING Redis is loading")))
        guard case .failed(let error) = greeting.receive(loading) else {
            Issue.record("taken for ready")
            return
        }
        #expect(error.retry == .later)
    }
}

/// Always the largest number.
private struct MostRandom: RandomNumberGenerator {
    mutating func next() -> UInt64 { .max }
}
