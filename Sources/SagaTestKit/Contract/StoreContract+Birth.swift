import Saga
import Testing

extension StoreContract {
    static let birth: [StoreContract] = [
        StoreContract("when the data came to be is always the same, and stands beside ledgers") {
            parties in
            let store = parties.asker.store
            let born = try await store.born()
            await parties.subject.letTimePass()
            _ = try await store.apply(.ask("1"), in: nil)

            #expect(try await store.born() == born)
            #expect(try await parties.asker.store.ledger(of: "1", fields: ["x"]).born == born)
            let looks = await store.ledgers(of: [("1", ["x"]), ("none", ["x"])])
            #expect(looks.map { $0?.born } == [born, born])
        }
    ]
}
