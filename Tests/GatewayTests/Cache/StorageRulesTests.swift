import NIOCore
import NIOHTTP1
import Testing

@testable import Gateway

private func verdict(
    _ fields: HTTPHeaders, status: Int = 200, body: String = "{}", isPartial: Bool = false,
    parts: [HTTPHeaders] = [], policy: CachePolicy = CachePolicy(lifetime: .seconds(60))
) -> StorageRules.Verdict {
    StorageRules.judge(
        FetchedResponse(
            status: status, fields: fields, body: ByteBuffer(string: body),
            isPartial: isPartial, parts: parts),
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

    private static let date = "Sun, 06 Nov 1994 08:49:37 GMT"

    /// What one part says, and what becomes of the whole: seconds to live, age, and why not.
    static let parts: [(HTTPHeaders, Int?, Int, String?)] = [
        ([:], 60, 0, nil),
        (["Cache-Control": "max-age=4"], 4, 0, nil),
        (["Cache-Control": "max-age=600"], 60, 0, nil),
        (["Cache-Control": "s-maxage=5, max-age=50"], 5, 0, nil),
        (["Cache-Control": "max-age=30", "Age": "29"], 1, 29, nil),
        (["Cache-Control": "max-age=30", "Age": "30"], nil, 30, "expired"),
        (["Cache-Control": "max-age=3600", "Age": "7200, 0"], nil, 7200, "expired"),
        (["Cache-Control": "max-age=3600", "Age": "0, 7200"], 60, 0, nil),
        (["Cache-Control": "max-age=60", "Date": "Sun, 06 Nov 1994 08:49:06 GMT"], 30, 30, nil),
        (["Cache-Control": "max-age=60", "Date": "Sun, 06 Nov 1994 08:59:06 GMT"], 60, 0, nil),
        (["Age": "50"], 60, 50, nil),
        (["Expires": "0"], nil, 0, "expired"),
        (["Expires": "Thu, 01 Jan 1970 00:00:00 GMT"], nil, 0, "expired"),
        (["Expires": "Sun, 06 Nov 1994 08:49:42 GMT", "Date": date], 5, 0, nil),
        (["Expires": "Sunday, 06-Nov-94 08:49:42 GMT", "Date": date], 5, 0, nil),
        (["Cache-Control": "private"], nil, 0, "private"),
        (["Cache-Control": "no-store, max-age=60"], nil, 0, "no-store"),
        (["Cache-Control": "no-cache"], nil, 0, "no-cache"),
        (["Set-Cookie": "a=b"], nil, 0, "set-cookie"),
        (["Vary": "*"], nil, 0, "vary"),
        (["Vary": "Accept-Encoding"], 60, 0, nil),
    ]

    @Test(arguments: parts.indices)
    func oneJudgeServesPlainAnswersAndParts(index: Int) {
        let (fields, seconds, age, detail) = Self.parts[index]
        let expected = StorageRules.Verdict(
            lifetime: seconds.map { .seconds($0) }, age: .seconds(age),
            isShareable: detail == nil, detail: detail)

        #expect(verdict(fields) == expected)
        #expect(verdict([:], parts: [[:], fields, [:]]) == expected)
        let longer: HTTPHeaders = ["Cache-Control": "max-age=500"]
        #expect(verdict([:], parts: [longer, fields, longer]) == expected)
    }

    @Test func theStrictestPartHoldsForTheWhole() {
        let old: HTTPHeaders = ["Cache-Control": "max-age=100", "Age": "70"]
        let brief: HTTPHeaders = ["Cache-Control": "max-age=9", "Age": "2"]
        let secret: HTTPHeaders = ["Cache-Control": "private"]
        let both = verdict([:], parts: [old, brief])

        #expect(both == StorageRules.Verdict(lifetime: .seconds(7), age: .seconds(70)))
        #expect(verdict([:], status: 404, parts: [old]).lifetime == .seconds(2))
        let refused = verdict([:], parts: [old, secret, brief])
        #expect(refused == .init(age: .seconds(70), isShareable: false, detail: "private"))
        #expect(StorageRules.refusal(of: [old, brief]) == nil)
        #expect(StorageRules.refusal(of: [old, secret]) == "private, no-cache")
        #expect(StorageRules.refusal(of: [secret, ["Cache-Control": "no-store"]]) == "no-store")
    }

    /// RFC 9111 section 3: any final status that stands for itself, if its life is explicit.
    @Test(arguments: [(201, 60), (302, 60), (400, 2), (403, 2), (500, 2)])
    func anExplicitLifeIsHonouredForOtherStatuses(status: Int, seconds: Int) {
        let fields: HTTPHeaders = ["Cache-Control": "max-age=600"]
        #expect(verdict(fields, status: status).lifetime == .seconds(seconds))
        for status in [206, 304] { #expect(verdict(fields, status: status).lifetime == nil) }
    }

    @Test func credentialsGoPastTheCacheUnlessTheRouteIsShared() {
        let request = CacheRequest(hasCredentials: true)
        let shared = CachePolicy(lifetime: .seconds(60), scope: .shared)

        #expect(StorageRules.way(of: request, CachePolicy()) == .bypass("credentials"))
        #expect(StorageRules.way(of: request, shared) == .usual)
        #expect(StorageRules.way(of: .plain, CachePolicy()) == .usual)
    }
}
