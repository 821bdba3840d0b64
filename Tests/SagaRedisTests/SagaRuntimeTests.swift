import CloudEvents
import Saga
import SagaRedis
import SagaTestKit
import Testing
import TroupeRedis
import TroupeRedisTestKit

/// Whole sagas through four runtimes on a real Redis.
@Suite(.redisServer, .timeLimit(.minutes(2)))
struct SagaRuntimeTests {
    @Test func aSagaRunsToItsEnd() async throws {
        try await ShopRig.with { rig in
            try await rig.running { order in
                #expect(try await order.begin("1", OrderCreated(quantity: 3)) == .applied)
                #expect(try await order.begin("1", OrderCreated(quantity: 3)) == .duplicate)
                try await rig.settled("1", order, as: .completed)
                try await rig.until("the owner looks no more after who has to finish") {
                    try await rig.redis.send(.zcard(rig.keys.timers("order"))).integer == 0
                }
            }

            #expect(rig.saga.world.isDone("charge", rig.key("1", "payment", "charge")))
            #expect(rig.saga.world.isDone("dispatch", rig.key("1", "shipping", "arrange")))
            #expect(try await rig.stock() == ["available": 997, "reserved": 0, "shipped": 3])
            #expect(try await rig.fields("order", "order:1")["status"] == "completed")
            #expect(try await rig.ledger("payment", "1", "charge") == "done")
            let events = try await rig.events("PaymentProcessed", owner: "payment")
            let cause = try await rig.events("OrderCreated", owner: "order")
            #expect(events.count == 1)
            #expect(events.first?.causationID == cause.first?.id)
            #expect(events.first?.correlationID == "1")
            #expect(events.first?.coordination == "choreography")
        }
    }

    @Test func everyFailureIsUndoneByEveryone() async throws {
        try await ShopRig.with(stock: 5) { rig in
            try await rig.running { order in
                _ = try await order.begin("declined", OrderCreated(card: "declined"))
                _ = try await order.begin("stock", OrderCreated(quantity: 6))
                _ = try await order.begin("country", OrderCreated(country: "AQ"))
                _ = try await order.begin("silent", OrderCreated(card: "silent"))
                _ = try await order.begin("flaky", OrderCreated(card: "flaky"))
                for id in ["declined", "stock", "country", "silent"] {
                    try await rig.settled(id, order, as: .cancelled)
                }
                try await rig.settled("flaky", order, as: .completed)
            }

            let unknown = BusinessFailure.outcomeUnknown
            let reasons = try await rig.events("OrderCancelled", owner: "order").map {
                "\($0.correlationID) \(String(decoding: $0.data, as: UTF8.self))"
            }
            #expect(
                Set(reasons) == [
                    #"declined {"reason":"card_declined","detail":"no cover"}"#,
                    #"stock {"reason":"out_of_stock","detail":""}"#,
                    #"country {"reason":"country_not_served","detail":""}"#,
                    #"silent {"reason":"outcome_unknown","detail":"# + #""\#(unknown.detail)"}"#,
                ])
            #expect(rig.saga.world.done("charge") == [rig.key("flaky", "payment", "charge")])
            #expect(try await rig.stock() == ["available": 4, "reserved": 0, "shipped": 1])
            #expect(try await rig.ledger("payment", "silent", "charge") == "failed")
        }
    }

    @Test func aClientCancelsBeforeThePivotOnly() async throws {
        try await ShopRig.with { rig in
            rig.saga.world.fail("arrange")
            try await rig.running { order in
                let reason = BusinessFailure("cancelled_by_client", "changed my mind")
                #expect(try await order.requestCancellation(of: "x", reason: reason) == .unknown)
                _ = try await order.begin("1", OrderCreated())
                #expect(try await order.requestCancellation(of: "1", reason: reason) == .requested)
                try await rig.settled("1", order, as: .cancelled)
                #expect(
                    try await order.requestCancellation(of: "1", reason: reason)
                        == .alreadyCancelled)
                rig.saga.world.fail("arrange", false)
                _ = try await order.begin("2", OrderCreated())
                try await rig.settled("2", order, as: .completed)
                #expect(try await order.requestCancellation(of: "2", reason: reason) == .tooLate)
            }

            #expect(rig.saga.world.done("charge") == [rig.key("2", "payment", "charge")])
            #expect(rig.saga.world.done("arrange") == [rig.key("2", "shipping", "arrange")])
            #expect(try await rig.fields("order", "order:1")["reason"] == "cancelled_by_client")
        }
    }

    @Test func cancellationRacesWithEveryMomentOfTheSaga() async throws {
        try await ShopRig.with { rig in
            try await rig.running { order in
                let reason = BusinessFailure("cancelled_by_client")
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<60 {
                        group.addTask {
                            _ = try await order.begin("\(number)", OrderCreated())
                            for _ in 0..<number { _ = try await order.status(of: "\(number)") }
                            _ = try await order.requestCancellation(
                                of: "\(number)", reason: reason)
                        }
                    }
                    try await group.waitForAll()
                }
                var completed = 0
                for number in 0..<60 {
                    let status = try await order.outcome(of: "\(number)", within: .seconds(20))
                    if status == .completed {
                        completed += 1
                        try await rig.settled("\(number)", order, as: .completed)
                    } else {
                        #expect(status == .cancelled)
                    }
                }

                #expect(rig.saga.world.done("charge").count == completed)
                #expect(rig.saga.world.done("arrange").count == completed)
                #expect(rig.saga.world.done("dispatch").count == completed)
                let stock = try await rig.stock()
                #expect(stock["available"] == 1000 - completed)
                #expect(stock["reserved", default: 0] == 0)
            }
        }
    }

    /// More of it than is looked at in one go, and older than every deadline.
    @Test func whatIsNotATimerKeepsNoDeadlineFromComing() async throws {
        try await ShopRig.with(deadline: .milliseconds(300)) {
            $0.giveUpAfter = .seconds(30)
        } _: { rig in
            let timers = rig.keys.timers("order")
            let odd = (0..<200).flatMap { number -> [RedisArgument] in
                let member = number.isMultiple(of: 2) ? Array("odd".utf8) : [0xFF, 0x20]
                return [.integer(number), .bytes(member + Array("\(number)".utf8))]
            }
            _ = try await rig.redis.send(RedisCommand("ZADD", [.string(timers)] + odd))
            rig.saga.world.fail("arrange")
            try await rig.running { order in
                _ = try await order.begin("1", OrderCreated())
                try await rig.until("the deadline has come") {
                    try await rig.events("OrderCancellationRequested", owner: "order").count == 1
                }
                rig.saga.world.fail("arrange", false)
                try await rig.settled("1", order, as: .cancelled)

                #expect(try await rig.redis.send(.zcard(timers)).integer == 0)
                #expect(order.faults.isEmpty)
            }
            #expect(try await rig.deadLetters("order").count == 200)
        }
    }

    @Test func theDeadlineCancelsWhatIsStillPending() async throws {
        try await ShopRig.with(deadline: .milliseconds(300)) {
            $0.giveUpAfter = .seconds(30)
        } _: { rig in
            rig.saga.world.fail("arrange")
            try await rig.running { order in
                let begun = ContinuousClock.now
                _ = try await order.begin("1", OrderCreated())
                try await rig.until("the request is out") {
                    try await rig.events("OrderCancellationRequested", owner: "order").count == 1
                }
                #expect(ContinuousClock.now - begun < .seconds(15), "not after giving up")
                // Shipping still tries to arrange, and hears of the cancellation afterwards.
                rig.saga.world.fail("arrange", false)
                try await rig.settled("1", order, as: .cancelled)
            }

            #expect(rig.saga.world.done("charge").isEmpty)
            #expect(rig.saga.world.done("arrange").isEmpty)
            #expect(try await rig.fields("order", "order:1")["reason"] == "deadline_exceeded")
        }
    }

    @Test func everythingDeliveredAgainChangesNothing() async throws {
        try await ShopRig.with(stock: 10) { rig in
            try await rig.running { order in
                _ = try await order.begin("good", OrderCreated())
                _ = try await order.begin("bad", OrderCreated(country: "AQ"))
                try await rig.settled("good", order, as: .completed)
                try await rig.settled("bad", order, as: .cancelled)
                let before = try await rig.stock()
                let plans = try rig.saga.all.map { try ParticipantPlan($0) }
                let streams = Set(
                    plans.flatMap { plan in
                        plan.consumed.values.map {
                            rig.keys.stream($0.kind.type, owner: $0.kind.owner)
                        }
                    })
                for stream in streams {
                    for entry in try await rig.redis.send(.xrange(stream)).streamEntries() {
                        guard let event = entry["data"] else { continue }
                        _ = try await rig.redis.send(.xadd(stream, ["data": .buffer(event)]))
                    }
                }
                try await rig.until("all is read and acknowledged") {
                    for plan in plans {
                        for kind in plan.consumed.values.map(\.kind) {
                            let groups = try await rig.redis.send(
                                .xinfoGroups(rig.keys.stream(kind.type, owner: kind.owner)))
                            let text = "\(groups)"
                            guard text.contains("\"pending\", 0"), text.contains("\"lag\", 0")
                            else { return false }
                        }
                    }
                    return true
                }

                #expect(try await rig.stock() == before)
                #expect(rig.saga.world.done("charge") == [rig.key("good", "payment", "charge")])
                let refunds = try await rig.events("PaymentRefunded", owner: "payment")
                #expect(
                    refunds.count >= 2 && Set(refunds.map(\.id)).count == 1, "the same answer again"
                )
                let ends = try await rig.events("OrderCancelled", owner: "order")
                #expect(Set(ends.map(\.id)).count == 1)
                for participant in rig.saga.all {
                    #expect(try await rig.deadLetters(participant.name).isEmpty)
                }
            }
        }
    }

    @Test func aRuntimeStoppedUnderLoadLosesNothing() async throws {
        try await ShopRig.with { rig in
            for round in 0..<3 {
                try await rig.running { order in
                    for number in 0..<40 {
                        _ = try await order.begin("\(round)-\(number)", OrderCreated())
                    }
                }
            }
            try await rig.running { order in
                for round in 0..<3 {
                    for number in 0..<40 {
                        try await rig.settled("\(round)-\(number)", order, as: .completed)
                    }
                }
            }

            #expect(try await rig.stock() == ["available": 880, "reserved": 0, "shipped": 120])
            #expect(rig.saga.world.done("dispatch").count == 120)
        }
    }

    @Test func aHandlerThatHangsCountsAsUnknown() async throws {
        try await ShopRig.with { rig in
            try await rig.running { order in
                _ = try await order.begin("1", OrderCreated(card: "hangs"))
                try await rig.settled("1", order, as: .cancelled)
            }

            #expect(try await rig.ledger("payment", "1", "charge") == "failed")
            #expect(try await rig.fields("order", "order:1")["reason"] == "outcome_unknown")
        }
    }

    @Test func aFaultyDeclarationDoesNotStart() async throws {
        try await ShopRig.with { rig in
            let error = #expect(throws: SagaError.self) {
                try rig.runtime(Participant("Bad name") {})
            }

            #expect(error?.code == .invalidDefinition)
        }
    }
}
