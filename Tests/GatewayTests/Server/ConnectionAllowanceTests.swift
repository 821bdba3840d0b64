import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(3)))
struct ConnectionAllowanceTests {
    @Test(arguments: [
        (10_000, 768, nil, 10_000), (10_000, 768, 20_000, 10_000), (10_000, 768, 1024, 768),
        (10_000, 768, 200, 136), (10, 768, 1024, 10), (10_000, 0, 1024, 960), (10, 768, 20, 1),
    ])
    func descriptorsAreKeptForUpstreamsAndAdmin(
        _ wanted: Int, _ upstreams: Int, _ descriptors: Int?, _ expected: Int
    ) {
        let allowance = ConnectionAllowance(
            wanted: wanted, upstreams: upstreams, descriptors: descriptors)

        #expect(allowance.connections == expected)
        #expect(allowance.needed == wanted + upstreams + 64)
    }
}
