import OrderContracts
import OrderService
import Saga
import Testing
import TroupeRedisTestKit

/// Orders that could not end in time are refused before they begin.
@Suite(.redisServer, .timeLimit(.minutes(2)))
struct OverloadTests {
    @Test func ordersThatCannotEndInTimeAreRefused() async throws {
        try await OrderSystem.run {
            $0.deadline = .seconds(8)
            $0.giveUpAfter = .seconds(7)
        } _: { system in
            let web = try await system.web
            let key = ["idempotency-key": "k"]
            let known = try await web.post("/orders", Body().json, headers: key)
            await system.company.gate.close()
            for _ in 0..<80 { _ = try await system.place() }

            let refused = try await eventualValue("an order is refused", within: .seconds(20)) {
                let answer = try await web.post("/orders", Body().json)
                return answer.status == 503 ? answer : nil
            }
            #expect(refused.header("content-type") == "application/problem+json")
            #expect(refused.text("code") == "overloaded")
            #expect(refused.text("title") == "Service Unavailable")
            #expect((1...4).contains(Int(refused.header("retry-after") ?? "") ?? 0))
            let again = try await web.post("/orders", Body().json, headers: key)
            #expect(again.status == 201)
            #expect(again.text("id") == known.text("id"))

            await system.company.gate.open()
            try await eventually("orders are taken again", within: .seconds(20)) {
                try await web.post("/orders", Body().json).status == 201
            }
        }
    }
}
