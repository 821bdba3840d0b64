import HTTPTypes
import Hummingbird
import ServiceHTTP
import Testing

@Suite(.timeLimit(.minutes(1)))
struct EntityTagTests {
    private func request(_ fields: HTTPFields) -> Request {
        Request(
            head: HTTPRequest(
                method: .get, scheme: "http", authority: "h", path: "/", headerFields: fields),
            body: RequestBody(buffer: ByteBuffer()))
    }

    @Test(arguments: [
        (#""7""#, true), (#"W/"7""#, true), (#""1", "7""#, true), ("*", true), (#""1""#, false),
        ("7", false), ("", false), (#""77""#, false),
    ])
    func aClientThatHasTheVersionIsTold(list: String, expected: Bool) {
        #expect(request([.ifNoneMatch: list]).hasCurrent(EntityTag("7")) == expected)
    }

    @Test(arguments: [
        (#""7""#, true), (#""1","7""#, true), ("*", true), (#"W/"7""#, false), (#""1""#, false),
    ])
    func aChangeOfAnotherVersionIsRefused(list: String, isAllowed: Bool) {
        if isAllowed {
            #expect(throws: Never.self) {
                try request([.ifMatch: list]).requireMatch(EntityTag("7"))
            }
        } else {
            let problem = #expect(throws: Problem.self) {
                try request([.ifMatch: list]).requireMatch(EntityTag("7"))
            }
            #expect(problem?.status == .preconditionFailed)
        }
    }

    @Test func withoutConditionsNothingIsChecked() {
        #expect(!request([:]).hasCurrent(EntityTag("7")))
        #expect(throws: Never.self) { try request([:]).requireMatch(EntityTag("7")) }
    }

    @Test func anyTextMakesAValidTag() {
        #expect(EntityTag("a\"b,\r\n é").description == "\"a_b______\"")
    }
}
