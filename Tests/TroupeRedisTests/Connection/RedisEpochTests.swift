import Testing
import TroupeRedisTestKit

@testable import TroupeRedis

/// What follows from data that was read is sent only to a server that still holds it.
@Suite(.timeLimit(.minutes(2)))
struct RedisEpochTests {
    @Test func aLinkToAServerThatLeadsNoMoreGoesAtOnceAndOneToAReplicaNowAndThen() {
        var epoch = LinkEpoch(nil)
        _ = epoch.greeted(by: nil)
        let looks = [false, false, true].map { epoch.isDemoted($0, asked: 1) }
        #expect(looks == [false, false, true])
        _ = epoch.greeted(by: nil)
        let ofBefore = epoch.isDemoted(true, asked: 1)
        #expect(!ofBefore)
        let again = (0..<5).map { _ in epoch.isDemoted(true, asked: 2) }
        #expect(again == [false, false, false, false, true])
    }

    @Test func anEpochGoesOnWithTheSameDataAndEndsWithOthers() {
        let register = EpochRegister()
        let one = ServerIdentity(runID: "a", replicationID: "1")
        let other = ServerIdentity(runID: "a", replicationID: "2")
        let before = register.follow()

        #expect(register.greeted(by: one, after: nil) == before)
        #expect(register.greeted(by: one, after: nil) == before, "a second connection")
        #expect(register.greeted(by: one, after: before) == before, "made again")
        let after = register.greeted(by: other, after: before)
        #expect(after > before && register.follow() == after)
        #expect(register.greeted(by: one, after: before) > after, "never the same again")
    }

    @Test func whoIsNotToldTakesEachConnectionForAnotherServer() {
        let register = EpochRegister()
        let before = register.follow()

        #expect(register.greeted(by: nil, after: nil) == before)

        #expect(register.greeted(by: nil, after: nil) == before, "a second connection")
        let after = register.greeted(by: nil, after: before)
        #expect(after > before)
        #expect(register.greeted(by: nil, after: before) == after, "the second follows the first")
        #expect(register.greeted(by: nil, after: after) > after)
    }

    @Test func whatWasHeardOverOneLinkIsNotHeldAgainstTheNext() {
        let register = EpochRegister()
        let one = ServerIdentity(runID: "a", replicationID: "1")
        let other = ServerIdentity(runID: "b", replicationID: "2")
        let epoch = register.follow()
        var link = LinkEpoch(register)

        let isOther = link.greeted(by: one)
        #expect(!isOther && link.permits(epoch))
        let asked = link.link
        let (same, changed) = (
            link.isOver(after: one, asked: asked), link.isOver(after: other, asked: asked)
        )
        #expect(!same && changed, "its server has other data")
        let leadsElsewhere = link.greeted(by: other)
        #expect(leadsElsewhere && !link.permits(epoch) && link.permits(nil))
        let late = link.isOver(after: one, asked: asked)
        #expect(!late, "the answer of the link before")
        let unanswered = link.isOver(after: nil, asked: link.link)
        #expect(!unanswered, "no answer proves nothing")
    }

    @Test func aLinkLearnsWhoseDataItHasWhenFirstAsked() {
        let register = EpochRegister()
        let one = ServerIdentity(runID: "a", replicationID: "1")
        var link = LinkEpoch(register)
        _ = link.greeted(by: nil)
        let epoch = register.follow()

        let isOver = link.isOver(after: one, asked: link.link)
        #expect(!isOver && link.permits(epoch))
        let two = ServerIdentity(runID: "a", replicationID: "2")
        let isOverThen = link.isOver(after: two, asked: link.link)
        #expect(isOverThen)
    }

    @Test func aLinkWhoseEpochAnotherEndedHasToGo() {
        let register = EpochRegister()
        let one = ServerIdentity(runID: "a", replicationID: "1")
        let other = ServerIdentity(runID: "b", replicationID: "2")
        _ = register.follow()
        var (first, second) = (LinkEpoch(register), LinkEpoch(register))
        _ = first.greeted(by: one)
        _ = second.greeted(by: one)

        _ = first.greeted(by: other)

        let (isSecondOver, isFirstOver) = (
            second.isOver(after: nil, asked: second.link),
            first.isOver(after: nil, asked: first.link)
        )
        #expect(isSecondOver && !isFirstOver)
    }

    @Test func whereNobodyTellsEpochsApartThereIsOne() {
        let register = EpochRegister()
        let one = register.greeted(by: nil, after: nil)

        #expect(register.greeted(by: nil, after: one) == one)
        #expect(!register.isWanted)
    }

    @Test func aLostConnectionEndsNoEpoch() async throws {
        let server = try await RedisServer.launch()
        let redis = server.client()
        let epoch = redis.followEpoch()
        _ = try await redis.send(.set("k", "1"), in: epoch)

        let kill = RedisCommand("CLIENT", ["KILL", "SKIPME", "no", "TYPE", "normal"])
        _ = try? await redis.send(kill)
        try await eventually("it is connected again") {
            (try? await redis.send(.set("k", "2"), in: epoch)) != nil
        }

        #expect(redis.followEpoch() == epoch)
        await redis.shutdown()
        await server.stop()
    }

    @Test func aServerThatStartsAgainIsSentNothingOfTheEpochBefore() async throws {
        let server = try await RedisServer.launch(.init(isDurable: true))
        let redis = server.client { $0.disconnectedWait = .seconds(20) }
        let epoch = redis.followEpoch()
        _ = try await redis.send(.set("k", "before"), in: epoch)
        await server.kill()
        try await eventually("the loss is noticed") {
            do throws(RedisError) {
                _ = try await redis.send(.ping, timeout: .milliseconds(50))
                return false
            } catch {
                return error.outcome == .notSent
            }
        }
        // They wait for the next connection, which leads to another epoch.
        let late = RedisScript("return redis.call('SET', KEYS[1], ARGV[1])")
        let calls = [
            Task { _ = try await redis.send(.set("k", "late"), timeout: .seconds(20), in: epoch) },
            Task {
                _ = try await redis.send(
                    batch: [.set("k", "late")], timeout: .seconds(20), in: epoch)
            },
            Task {
                _ = try await redis.evaluate(
                    late, keys: ["k"], arguments: ["late"], timeout: .seconds(20), in: epoch)
            },
        ]
        try await server.start()

        for call in calls {
            let error = await #expect(throws: RedisError.self) { try await call.value }
            #expect(error?.code == .epochOver && error?.outcome == .notSent, "\(error as Any)")
        }
        #expect(try await redis.send(.get("k")).string == "before")
        #expect(redis.followEpoch() != epoch)
        _ = try await redis.send(.set("k", "after"), in: redis.followEpoch())
        await redis.shutdown()
        await server.stop()
    }

    @Test func aConnectionMadeBeforeAnybodyAskedIsKept() async throws {
        let server = try await RedisServer.launch()
        let redis = server.client()
        let before = try await redis.send(RedisCommand("CLIENT", ["ID"])).integer

        let epoch = redis.followEpoch()
        await redis.checkEpoch()
        await redis.checkEpoch()

        #expect(try await redis.send(RedisCommand("CLIENT", ["ID"]), in: epoch).integer == before)
        await redis.shutdown()
        await server.stop()
    }

    @Test func aServerThatFollowedAnotherForAMomentEndsTheEpoch() async throws {
        let server = try await RedisServer.launch()
        let redis = server.client()
        let epoch = redis.followEpoch()
        _ = try await redis.send(.ping, in: epoch)
        await redis.checkEpoch()
        #expect(redis.followEpoch() == epoch)

        _ = try await redis.send(
            RedisCommand("REPLICAOF", ["127.0.0.1", .integer(try FreePort.find())]))
        _ = try await redis.send(RedisCommand("REPLICAOF", ["NO", "ONE"]))
        try await eventually("the link is made again") {
            await redis.checkEpoch()
            return redis.followEpoch() != epoch
        }

        await #expect(throws: RedisError.self) { try await redis.send(.set("k", "v"), in: epoch) }
        await redis.shutdown()
        await server.stop()
    }

    /// Of two connections one is lost: the other has to come into the epoch that begins.
    @Test func connectionsFollowEachOtherWithoutTheRightToAsk() async throws {
        let server = try await RedisServer.launch()
        let admin = server.client()
        _ = try await admin.send(
            RedisCommand(
                "ACL", ["SETUSER", "plain", "on", ">word", "~*", "&*", "+@all", "-info"]))
        let redis = server.client {
            $0.username = "plain"
            $0.password = "word"
            $0.sharedConnections = 2
        }
        let epoch = redis.followEpoch()
        let keys = (0..<8).map { "k\($0)" }
        for key in keys { _ = try await redis.send(.set(key, "v"), in: epoch) }
        await redis.checkEpoch()
        #expect(redis.followEpoch() == epoch)
        let id = try await redis.send(RedisCommand("CLIENT", ["ID"])).integer ?? 0
        _ = try await admin.send(RedisCommand("CLIENT", ["KILL", "ID", .integer(id)]))

        try await eventually("both are of the next epoch") {
            await redis.checkEpoch()
            let next = redis.followEpoch()
            guard next > epoch else { return false }
            for key in keys {
                guard (try? await redis.send(.set(key, "v"), in: next)) != nil else { return false }
            }
            return true
        }
        let settled = redis.followEpoch()
        await redis.checkEpoch()
        _ = try await redis.send(.ping)
        #expect(redis.followEpoch() == settled, "and stay there")
        await redis.shutdown()
        await admin.shutdown()
        await server.stop()
    }
}
