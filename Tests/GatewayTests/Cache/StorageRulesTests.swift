import NIOCore
import NIOHTTP1
import Testing

@testable import Gateway

private func verdict(
    _ fields: HTTPHeaders, status: Int = 200, body: String = "{}", isPartial: Bool = false,
    maximumLifetime: Duration? = nil, policy: CachePolicy = CachePolicy(lifetime: .seconds(60))
) -> StorageRules.Verdict {
    StorageRules.judge(
        FetchedResponse(
            status: status, fields: fields, body: ByteBuffer(string: body),
            isPartial: isPartial, maximumLifetime: maximumLifetime),
        policy, wallSeconds: 784_111_777)
}

@Suite(.timeLimit(.minutes(3)))
struct StorageRulesTests {
    @Test(arguments: [
        "no-store", "private", "no-cache", "Private, max-age=60", "max-age=60, NO-STORE",
        "private=\"x-user, x-role\"", "max-age=9 , no-cache=\"set-cookie\"",
    ])
    func privateAnswersAreNeitherStoredNorShared(cacheControl: String) {
        let verdict = verdict(["Cache-Control": cacheControl])

        #expect(verdict.lifetime == nil)
        #expect(!verdict.isShareable)
    }

    @Test func answersThatSetCookiesAreNeitherStoredNorShared() {
        let verdict = verdict(["Set-Cookie": "a=b", "Cache-Control": "public, max-age=60"])

        #expect(verdict == StorageRules.Verdict(isShareable: false, detail: "set-cookie"))
    }

    @Test(arguments: [
        ("max-age=5", 5), ("max-age=500", 60), ("s-maxage=7, max-age=5", 7), ("public", 60),
        ("max-age=\"9\"", 9), ("max-age=20, max-age=10", 10), ("max-age=99999999999999999999", 60),
    ])
    func originShortensTheLifeAndNeverLengthensIt(cacheControl: String, seconds: Int) {
        #expect(verdict(["Cache-Control": cacheControl]).lifetime == .seconds(seconds))
    }

    @Test(arguments: ["max-age=0", "max-age=-1", "max-age=soon", "s-maxage=0, max-age=60"])
    func expiredAnswersAreNotStored(cacheControl: String) {
        #expect(verdict(["Cache-Control": cacheControl]).lifetime == nil)
    }

    @Test func ageCountsAgainstTheOriginsFreshness() {
        let aged = verdict(["Cache-Control": "max-age=30", "Age": "10"])

        #expect(aged.lifetime == .seconds(20))
        #expect(aged.age == .seconds(10))
        #expect(verdict(["Cache-Control": "max-age=30", "Age": "30"]).lifetime == nil)
        #expect(verdict(["Age": "500"]).lifetime == .seconds(60))
    }

    @Test func expiresCountsFromDate() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT"
        let later = "Sun, 06 Nov 1994 08:49:47 GMT"

        #expect(verdict(["Date": date, "Expires": later]).lifetime == .seconds(10))
        #expect(verdict(["Expires": later]).lifetime == .seconds(10))
        #expect(verdict(["Date": later, "Expires": date]).lifetime == nil)
        #expect(verdict(["Expires": "0"]).lifetime == nil)
        #expect(verdict(["Expires": date, "Cache-Control": "max-age=3"]).lifetime == .seconds(3))
    }

    @Test(arguments: [
        (200, 60), (203, 60), (204, 60), (301, 60), (308, 60), (404, 2), (410, 2),
    ])
    func statusDecidesTheLife(status: Int, seconds: Int) {
        #expect(verdict([:], status: status).lifetime == .seconds(seconds))
    }

    @Test(arguments: [201, 206, 302, 304, 400, 401, 403, 405, 500, 502, 503])
    func otherStatusesAreNotStored(status: Int) {
        #expect(verdict([:], status: status).lifetime == nil)
    }

    @Test func varyMustBePartOfTheKeyOrWithheld() {
        let policy = CachePolicy(lifetime: .seconds(60), varyingFields: ["accept-language"])

        #expect(verdict(["Vary": "*"], policy: policy).lifetime == nil)
        #expect(verdict(["Vary": "Accept-Language"], policy: policy).lifetime != nil)
        #expect(verdict(["Vary": "Accept-Encoding, Origin"], policy: policy).lifetime != nil)
        #expect(verdict(["Vary": "Accept, TraceParent"], policy: policy).detail == "vary")
    }

    @Test func partialAndOversizeAnswersAreSharedButNotStored() {
        let partial = verdict([:], isPartial: true)
        let large = verdict(
            [:], body: "123456", policy: CachePolicy(lifetime: .seconds(9), maximumBodyBytes: 5))

        #expect(partial.lifetime == nil && partial.isShareable)
        #expect(large.lifetime == nil && large.isShareable)
        let brief = CachePolicy(lifetime: .seconds(60), partialLifetime: .seconds(1))
        #expect(verdict([:], isPartial: true, policy: brief).lifetime == .seconds(1))
    }

    @Test func aggregateLivesAsLongAsItsShortestPart() {
        #expect(verdict([:], maximumLifetime: .seconds(4)).lifetime == .seconds(4))
        #expect(verdict([:], maximumLifetime: .zero).lifetime == nil)
    }

    @Test func credentialsGoPastTheCacheUnlessTheRouteIsShared() {
        let request = CacheRequest(hasCredentials: true)
        let shared = CachePolicy(lifetime: .seconds(60), scope: .shared)

        #expect(StorageRules.way(of: request, CachePolicy()) == .bypass("credentials"))
        #expect(StorageRules.way(of: request, shared) == .usual)
        #expect(StorageRules.way(of: .plain, CachePolicy()) == .usual)
    }

    @Test func clientsDirectivesAreObeyedWhereTheRouteSaysSo() {
        let fresh = CacheRequest(cacheControl: "no-cache")
        let pragma = CacheRequest(pragma: "no-cache")
        let secret = CacheRequest(cacheControl: "max-age=0, no-store")
        let deaf = CachePolicy(obeysClient: false)

        #expect(StorageRules.way(of: fresh, CachePolicy()) == .refresh)
        #expect(StorageRules.way(of: pragma, CachePolicy()) == .refresh)
        #expect(StorageRules.way(of: secret, CachePolicy()) == .bypass("no-store"))
        #expect(StorageRules.way(of: fresh, deaf) == .usual)
    }

    @Test(arguments: [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (951_827_696, "Tue, 29 Feb 2000 12:34:56 GMT"),
        (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
        (1_798_761_600, "Fri, 01 Jan 2027 00:00:00 GMT"),
    ])
    func datesAreWrittenAndReadAlike(seconds: Int64, text: String) {
        #expect(HTTPDate.text(seconds) == text)
        #expect(HTTPDate.seconds(text) == seconds)
    }

    @Test(arguments: ["", "0", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 99 Nov 1994 08:49:37 GMT"])
    func unusualDatesAreNotRead(text: String) {
        #expect(HTTPDate.seconds(text) == nil)
    }
}
