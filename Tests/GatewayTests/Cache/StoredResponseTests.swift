import NIOCore
import NIOHTTP1
import Testing

@testable import Gateway

private func rendered(
    _ fields: HTTPHeaders, status: Int = 200, body: String = "hello", isKept: Bool = true
) -> StoredResponse {
    let fetched = FetchedResponse(status: status, fields: fields, body: ByteBuffer(string: body))
    return StoredResponse(
        rendering: RenderedResponse(fetched, isKept: isKept, wallSeconds: 784_111_777),
        guards: [], born: Moment(nanoseconds: 0), expires: Moment(nanoseconds: 60_000_000_000))
}

private func lines(_ head: ByteBuffer) -> [String] {
    String(buffer: head).split(separator: "\r\n").map(String.init)
}

@Suite(.timeLimit(.minutes(3)))
struct StoredResponseTests {
    @Test func headIsWholeButForWhatDiffersEachTime() {
        let response = rendered(["Content-Type": "application/json", "ETag": "\"v1\""])
        var buffer = ByteBuffer()
        response.writeHead(
            into: &buffer, status: .hit, at: Moment(nanoseconds: 7_900_000_000))

        #expect(
            lines(buffer) == [
                "HTTP/1.1 200 OK", "Content-Type: application/json", "ETag: \"v1\"",
                "Date: Sun, 06 Nov 1994 08:49:37 GMT", "Cache-Control: no-cache",
                "Content-Length: 5", "Age: 7", "Cache-Status: troupe; hit; ttl=52",
            ])
    }

    @Test func fieldsOfOneConnectionAreDropped() {
        let response = rendered([
            "Connection": "close, X-Hop", "X-Hop": "1", "Keep-Alive": "timeout=5",
            "Transfer-Encoding": "chunked", "Content-Length": "999", "Age": "3",
            "Cache-Status": "other; hit", "Proxy-Authenticate": "Basic", "X-Kept": "2",
        ])
        let names = lines(response.head).dropFirst().map { $0.split(separator: ":")[0] }

        #expect(names == ["X-Kept", "ETag", "Date", "Cache-Control", "Content-Length"])
    }

    @Test func fieldsWithLineEndsAreDropped() {
        let response = rendered(["X-A": "1\r\nX-B: 2", "X-C": "3"])

        #expect(!String(buffer: response.head).contains("X-B"))
        #expect(String(buffer: response.head).contains("X-C: 3"))
    }

    @Test func entityTagComesFromTheBodyWhereTheOriginGivesNone() {
        let response = rendered([:])

        #expect(response.entityTag == rendered(["X-Other": "1"]).entityTag)
        #expect(response.entityTag != rendered([:], body: "other").entityTag)
        #expect(response.entityTag?.count == 34)
        #expect(rendered([:], isKept: false).entityTag == nil)
    }

    @Test(arguments: [
        ("\"v1\"", true), ("W/\"v1\"", true), ("\"v0\", \"v1\"", true), ("*", true),
        ("\"v0\",W/\"v1\" ", true), ("\"v2\"", false), ("v1", false), ("\"v1", false), ("", false),
    ])
    func ifNoneMatchIsComparedWeakly(field: String, isNotModified: Bool) {
        let strong = rendered(["ETag": "\"v1\""])
        let weak = rendered(["ETag": "W/\"v1\""])

        #expect(strong.isNotModified(ifNoneMatch: field) == isNotModified)
        #expect(weak.isNotModified(ifNoneMatch: field) == isNotModified)
    }

    @Test func ifModifiedSinceCountsOnlyAlone() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT"
        let response = rendered(["Last-Modified": date, "ETag": "\"v1\""])

        #expect(response.isNotModified(ifNoneMatch: nil, ifModifiedSince: date))
        #expect(!response.isNotModified(ifNoneMatch: "\"v2\"", ifModifiedSince: date))
        #expect(
            !response.isNotModified(
                ifNoneMatch: nil, ifModifiedSince: "Sun, 06 Nov 1994 08:49:36 GMT"))
        #expect(!response.isNotModified(ifNoneMatch: nil, ifModifiedSince: "yesterday"))
    }

    @Test func notModifiedHeadHoldsValidatorsOnly() {
        let response = rendered([
            "ETag": "\"v1\"", "Content-Type": "text/plain", "Vary": "Accept", "X-Other": "1",
        ])
        var buffer = ByteBuffer()
        response.writeNotModifiedHead(into: &buffer, status: .hit, at: Moment(nanoseconds: 0))

        #expect(
            lines(buffer) == [
                "HTTP/1.1 304 Not Modified", "ETag: \"v1\"", "Vary: Accept",
                "Date: Sun, 06 Nov 1994 08:49:37 GMT", "Cache-Control: no-cache", "Age: 0",
                "Cache-Status: troupe; hit; ttl=60",
            ])
    }

    @Test func forwardedStatusSaysWhyAndWhatBecameOfIt() {
        var status = CacheStatus.forwarded(.uriMiss, detail: "suspended")
        status.isStored = true
        status.isCollapsed = true
        var buffer = ByteBuffer()
        status.write(into: &buffer, lifetime: 12)

        #expect(
            String(buffer: buffer)
                == "Cache-Status: troupe; fwd=uri-miss; stored; collapsed; ttl=12; "
                + "detail=suspended\r\n")
    }

    @Test(arguments: [0, 7, 10, -5, 1_234_567_890, Int.max, Int.min])
    func numbersAreWrittenInDigits(number: Int) {
        var buffer = ByteBuffer()
        buffer.writeDecimal(number)

        #expect(String(buffer: buffer) == "\(number)")
    }
}
