import OrderContracts
import Testing

@testable import InventoryService

@Suite(.timeLimit(.minutes(1)))
struct StockLevelTests {
    private let product = ProductID(wellFormed: "p")

    @Test func recordsReadAsTheyWereWritten() throws {
        let level = StockLevel(productID: product, available: 3, reserved: 2, shipped: 1)
        #expect(try StockLevel(product, fields: level.fields) == level)
    }

    @Test func countsThatWereNeverSetAreZero() throws {
        let level = try StockLevel(product, fields: ["available": "3"])
        #expect(level == StockLevel(productID: product, available: 3))
    }

    @Test func noFieldsAreNoStockAndDamagedOnesAnError() throws {
        #expect(try StockLevel(product, fields: [:]) == nil)
        #expect(throws: InventoryError.self) { try StockLevel(product, fields: ["available": "x"]) }
    }
}
