"""The verified tokens: contracts read in the texts of SOURCES, each named beside them. Read on 2026-11-21.

Columns: contract, symbol, decimals (- where not read), class, form (`issued` by the issuer on this chain, `bridged`,
or - where not read), confidence (high: two publishers or more and decimals read; medium: one; low: decimals not read),
sources, and other symbols the same contract goes by. EVM contracts are EIP-55, TRON contracts base58check.
"""

from typing import NamedTuple


class Citation(NamedTuple):
    """A text that tokens were read from. `commit` and `date` (of that commit) are empty where it states none."""

    name: str
    url: str
    commit: str = ""
    date: str = ""


SOURCES: dict[str, Citation] = {
    "uniswap": Citation(
        "Uniswap default token list",
        "https://github.com/Uniswap/default-token-list/tree/49f39bd7e83fbf311c5ffa3e153d4ad146a60214/src/tokens",
        "49f39bd7e83fbf311c5ffa3e153d4ad146a60214",
        "2026-08-06",
    ),
    "superchain": Citation(
        "Superchain token list (Optimism)",
        "https://github.com/ethereum-optimism/ethereum-optimism.github.io/blob/9db0b0037010c0f0e286a5812096f9a08dcc98d1/optimism.tokenlist.json",
        "9db0b0037010c0f0e286a5812096f9a08dcc98d1",
        "2026-06-18",
    ),
    "pancake_ext": Citation(
        "PancakeSwap extended list",
        "https://github.com/pancakeswap/token-list/blob/e7ba44e2cf42ee74f6a737b03d7b4f3578684eee/lists/pancakeswap-extended.json",
        "e7ba44e2cf42ee74f6a737b03d7b4f3578684eee",
        "2025-02-06",
    ),
    "pancake_top100": Citation(
        "PancakeSwap top 100 list (2022)",
        "https://github.com/pancakeswap/token-list/blob/e7ba44e2cf42ee74f6a737b03d7b4f3578684eee/lists/pancakeswap-top-100.json",
        "e7ba44e2cf42ee74f6a737b03d7b4f3578684eee",
        "2025-02-06",
    ),
    "traderjoe": Citation(
        "Trader Joe default list",
        "https://github.com/traderjoe-xyz/joe-tokenlists/blob/5a6c6afe87946d65bae19ed25826f73426c3c575/mc.tokenlist.json",
        "5a6c6afe87946d65bae19ed25826f73426c3c575",
        "2025-02-07",
    ),
    "aave": Citation(
        "Aave V3 address book",
        "https://github.com/bgd-labs/aave-address-book/tree/f61c97628307d387ca93a78578970fe6db885029/src/ts",
        "f61c97628307d387ca93a78578970fe6db885029",
        "2026-05-01",
    ),
    "llama_usdt": Citation(
        "DefiLlama pegged assets, tether",
        "https://github.com/DefiLlama/peggedassets-server/blob/60cfca169fed2b9769d5dd962b453095952e192b/src/adapters/peggedAssets/tether/config.ts",
        "60cfca169fed2b9769d5dd962b453095952e192b",
        "2026-08-21",
    ),
    "llama_usdc": Citation(
        "DefiLlama pegged assets, usd-coin",
        "https://github.com/DefiLlama/peggedassets-server/blob/60cfca169fed2b9769d5dd962b453095952e192b/src/adapters/peggedAssets/usd-coin/config.ts",
        "60cfca169fed2b9769d5dd962b453095952e192b",
        "2026-08-21",
    ),
    "llama_tusd": Citation(
        "DefiLlama pegged assets, true-usd",
        "https://github.com/DefiLlama/peggedassets-server/blob/60cfca169fed2b9769d5dd962b453095952e192b/src/adapters/peggedAssets/true-usd/index.ts",
        "60cfca169fed2b9769d5dd962b453095952e192b",
        "2026-08-21",
    ),
    "llama_usdd": Citation(
        "DefiLlama pegged assets, usdd",
        "https://github.com/DefiLlama/peggedassets-server/blob/60cfca169fed2b9769d5dd962b453095952e192b/src/adapters/peggedAssets/usdd/index.ts",
        "60cfca169fed2b9769d5dd962b453095952e192b",
        "2026-08-21",
    ),
    "gelato": Citation(
        "Gelato documentation, USDC addresses",
        "https://docs.gelato.cloud/1Balance/USDC-Addresess",
        "",
        "",
    ),
    "justlend": Citation(
        "JustLend interface, token table",
        "https://github.com/justlend/justlend-interface/blob/e9475b96c7f2f85756e8446200d81df5d89c45ef/src/token.js",
        "e9475b96c7f2f85756e8446200d81df5d89c45ef",
        "",
    ),
    "rabbit": Citation(
        "Rabbit wallet, TRC-20 table",
        "https://github.com/rabbitio/wallet-public/blob/d45c265e92289753d55c8afe2e110c1b72f0786b/src/api/wallet/trc20token/tokens/trc20tokens.js",
        "d45c265e92289753d55c8afe2e110c1b72f0786b",
        "",
    ),
    "uniblow": Citation(
        "Uniblow wallet, TRON token table (2023-06-27)",
        "https://github.com/bitlogik/uniblow/blob/HEAD/wallets/TRXtokens.py",
        "",
        "",
    ),
    "trustwallet": Citation(
        "Trust Wallet assets (single stored versions)",
        "https://github.com/trustwallet/assets/tree/master/blockchains/tron/assets",
        "",
        "",
    ),
    "csh": Citation(
        "GraphSense tag pack, known DeFi protocol addresses",
        "https://github.com/graphsense/graphsense-tagpacks/blob/29ff93c/packs/defi-protocols-csh.yaml",
        "29ff93c",
        "",
    ),
    "etherscan_labels": Citation(
        "Etherscan name tags (2023-10)",
        "https://github.com/brianleect/etherscan-labels/tree/923aba7",
        "923aba7",
        "",
    ),
    "rainbow": Citation(
        "Rainbow token list",
        "https://github.com/rainbow-me/rainbow-token-list/tree/ec954ef",
        "ec954ef",
        "",
    ),
}

TABLE: dict[str, str] = {
    "ethereum": """
0x00000000eFE302BEAA2b3e6e1b18d08D69a9012a AUSD     6 stable  -       medium uniswap
0x4Fabb145d64652a948d72533023f6E7A623C7C53 BUSD    18 stable  -       medium uniswap
0xf939E0A03FB07F59A73314E73794Be0E57ac1b4E crvUSD  18 stable  -       high   aave,superchain
0x6B175474E89094C44Da98b954EedeAC495271d0F DAI     18 stable  -       high   aave,superchain,uniswap
0x1aBaEA1f7C830bD89Acc67eC4af516284b1bC33c EURC     6 stable  -       high   aave,superchain,uniswap
0x853d955aCEf822Db058eb8505911ED77F175b99e FRAX    18 stable  -       high   aave,superchain,uniswap
0x40D16FC0246aD3160Ccc09B8D0D3A2cD28aE6C2f GHO     18 stable  -       medium aave
0x5f98805A4E8be255a32880FDeC7F6728C6568bA0 LUSD    18 stable  -       high   aave,superchain,uniswap
0x6c3ea9036406852006290770BEdFcAbA0e23A0e8 PYUSD    6 stable  -       high   aave,uniswap
0x8292Bb45bf1Ee4d140127049757C2E0fF06317eD RLUSD   18 stable  -       high   aave,uniswap
0x57Ab1ec28D129707052df4dF418D58a2D46d5f51 sUSD    18 stable  -       high   superchain,uniswap
0x0000000000085d4780B73119b644AE5ecd22b376 TUSD    18 stable  issued  high   llama_tusd,superchain
0x8d0D000Ee44948FC98c9B98A4FA4921476f08B0d USD1    18 stable  -       medium uniswap
0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48 USDC     6 stable  issued  high   aave,gelato,llama_usdc,superchain,uniswap
0x0C10bF8FcB7Bf5412187A595ab97a3609160b5c6 USDD    18 stable  -       medium superchain
0x4c9EDD5852cd905f086C759E8383e09bff1E68B3 USDe    18 stable  -       medium aave
0xe343167631d89B6Ffc58B88d6b7fB0228795491D USDG     6 stable  -       high   aave,uniswap
0x8E870D67F660D95d5be530380D0eC0bd388289E1 USDP    18 stable  -       medium uniswap
0xdC035D45d973E3EC169d2276DDab16f1e407384F USDS    18 stable  -       high   aave,uniswap
0xdAC17F958D2ee523a2206206994597C13D831ec7 USDT     6 stable  issued  high   aave,llama_usdt,superchain,uniswap
0xC139190F447e929f090Edeb554D95AbB8b18aC1C USDtb   18 stable  -       medium aave
0xB0F70C0bD6FD87dbEb7C10dC692a2a6106817072 BTC.b    8 wrapped -       medium aave
0xcbB7C0000aB88B473b1f5aFd9ef808440eed33Bf cbBTC    8 wrapped -       high   aave,uniswap
0xBe9895146f7AF43049ca1c1AE358B0541Ea49704 cbETH   18 wrapped -       high   aave,superchain,uniswap
0xae78736Cd615f374D3085123A210448E74Fc6393 rETH    18 wrapped -       high   aave,superchain
0xEB4C2781e4ebA804CE9a9803C67d0893436bB27D renBTC   8 wrapped -       high   csh,etherscan_labels,rainbow
0x83F20F44975D03b1b09e64809B757c47f942BEeA sDAI    18 wrapped -       high   aave,superchain
0x9D39A5DE30e57443BfF2A8307A4256c8797A3497 sUSDe   18 wrapped -       medium aave
0x18084fbA666a33d37592fA2633fD49a74DD93a88 tBTC    18 wrapped -       high   aave,superchain,uniswap
0x2260FAC5E5542a773Aa44fBCfeDf7C193bc2C599 WBTC     8 wrapped -       high   aave,superchain,uniswap
0xCd5fE23C85820F7B72D0926FC9b05b43E359b7ee weETH   18 wrapped -       high   aave,superchain
0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2 WETH    18 wrapped -       high   aave,superchain,uniswap
0x7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0 wstETH  18 wrapped -       high   aave,superchain
""",
    "bsc": """
0x00000000eFE302BEAA2b3e6e1b18d08D69a9012a AUSD     6 stable  -       medium uniswap
0xe9e7CEA3DedcA5984780Bafc599bD69ADd087D56 BUSD    18 stable  -       medium pancake_ext
0x1AF3F329e8BE154074D8769D1FFa4eE058B1DBc3 DAI     18 stable  -       medium pancake_ext
0xc5f0f7b66764F6ec8C8Dff7BA683102295E16409 FDUSD   18 stable  -       high   aave,pancake_ext
0x40af3827F39D0EAcBF4A168f8D4ee67c121D11c9 TUSD    18 stable  -       medium pancake_ext
0x14016E85a25aeb13065688cAFB43044C2ef86784 TUSD    18 stable  bridged high   llama_tusd,pancake_top100
0x8AC76a51cc950d9822D68b83fE1Ad97B32Cd580d USDC    18 stable  bridged high   aave,llama_usdc,pancake_ext
0x55d398326f99059fF775485246999027B3197955 USDT    18 stable  bridged high   aave,llama_usdt,pancake_ext
0x7130d2A12B9BCbFAe4f2634d864A1Ee1Ce3Ead9c BTCB    18 wrapped -       high   aave,pancake_ext
0xbb4CdB9CBd36B01bD1cBaEBF2De08d9173bc095c WBNB    18 wrapped -       high   aave,pancake_ext,uniswap
0x0555E30da8f98308EdB960aa94C0Db47230d2B9c WBTC     8 wrapped -       medium pancake_ext
0x04C0599Ae5A44757c0af6F9eC3b93da8976c150A weETH   18 wrapped -       medium pancake_ext
0x26c5e01524d2E6280A48F2c50fF6De7e52E9611C wstETH  18 wrapped -       high   aave,pancake_ext
""",
    "polygon": """
0x00000000eFE302BEAA2b3e6e1b18d08D69a9012a AUSD     6 stable  -       medium uniswap
0x8f3Cf7ad23Cd3CaDbD9735AFf958023239c6A063 DAI     18 stable  -       high   aave,uniswap
0xE111178A87A3BFf0c8d18DECBa5798827539Ae99 EURS     2 stable  -       medium aave
0xa3Fa99A148fA48D14Ed51d610c367C61876997F1 miMATIC 18 stable  -       medium aave
0xF81b4Bec6Ca8f9fe7bE01CA734F55B2b6e03A7a0 sUSD    18 stable  -       medium uniswap
0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359 USDC     6 stable  issued  high   aave,gelato,llama_usdc,uniswap
0x2791Bca1f2de4661ED88A30C99A7a9449Aa84174 USDC.e   6 stable  bridged high   aave,llama_usdc,uniswap USDC
0xc2132D05D31c914a87C6611C10748AEb04B58e8F USDT     6 stable  bridged high   aave,llama_usdt,uniswap USDT0
0x1BFD67037B42Cf73acF2047067bd4F2C47D9BfD6 WBTC     8 wrapped -       high   aave,uniswap
0x7ceB23fD6bC0adD59E62ac25578270cFf1b9f619 WETH    18 wrapped -       high   aave,uniswap
0x0d500B1d8E8eF31E21C99d1Db9A6444d3ADf1270 WMATIC  18 wrapped -       high   aave,uniswap WPOL
0x03b54A6e9a984069379fae1a4fC4dBAE93B3bCCD wstETH  18 wrapped -       medium aave
""",
    "arbitrum": """
0x00000000eFE302BEAA2b3e6e1b18d08D69a9012a AUSD     6 stable  -       medium uniswap
0xDA10009cBd5D07dd0CeCc66161FC93D7c9000da1 DAI     18 stable  -       high   aave,traderjoe
0xD22a58f79e9481D1a88e00c343885A588b34b68B EURS     2 stable  -       medium aave
0x17FC002b466eEc40DaE837Fc4bE5c67993ddBd6F FRAX    18 stable  -       medium aave
0x7dfF72693f6A4149b17e7C6314655f6A9F7c8B33 GHO     18 stable  -       medium aave
0x93b346b6BC2548dA6A1E7d98E9a421B42541425b LUSD    18 stable  -       medium aave
0x3F56e0c36d275367b8C502090EDF38289b3dEa0d MAI     18 stable  -       medium aave
0xaf88d065e77c8cC2239327C5EDb3A432268e5831 USDC     6 stable  issued  high   aave,gelato,llama_usdc,traderjoe
0xFF970A61A04b1cA14834A43f5dE4533eBDDB5CC8 USDC.e   6 stable  bridged high   aave,llama_usdc,traderjoe,uniswap USDC
0xFd086bC7CD5C481DCC9C85ebE478A1C0b69FCbb9 USDT     6 stable  -       high   aave,traderjoe,uniswap USDT0
0x2297aEbD383787A160DD0d9F71508148769342E3 BTC.b    8 wrapped -       medium traderjoe
0xcbB7C0000aB88B473b1f5aFd9ef808440eed33Bf cbBTC    8 wrapped -       medium uniswap
0xEC70Dcb4A1EFa46b8F2D97C310C9c4790ba5ffA8 rETH    18 wrapped -       medium aave
0x6c84a8f1c29108F47a79964b5Fe888D4f4D0dE40 tBTC    18 wrapped -       medium aave
0x2f2a2543B76A4166549F7aaB2e75Bef0aefC5B0f WBTC     8 wrapped -       high   aave,traderjoe
0x35751007a407ca6FEFfE80b3cB397736D2cf4dbe weETH   18 wrapped -       high   aave,traderjoe
0x82aF49447D8a07e3bd95BD0d56f35241523fBab1 WETH    18 wrapped -       high   aave,traderjoe
0x5979D7b546E38E414F7E9822514be443A4800529 wstETH  18 wrapped -       high   aave,traderjoe
""",
    "optimism": """
0xC52D7F23a2e460248Db6eE192Cb23dD12bDDCbf6 crvUSD  18 stable  -       medium superchain
0xDA10009cBd5D07dd0CeCc66161FC93D7c9000da1 DAI     18 stable  -       high   aave,superchain
0x2E3D870790dC77A83DD1d18184Acc7439A53f475 FRAX    18 stable  -       medium superchain
0xc40F949F8a4e094D1b49a23ea9241D289B7b2819 LUSD    18 stable  -       high   aave,superchain
0xdFA46478F9e5EA86d57387849598dbFB2e964b02 MAI     18 stable  -       medium aave
0x8c6f28f2F1A3C87F0f938b96d27520d9751ec8d9 sUSD    18 stable  -       high   aave,superchain
0xcB59a0A753fDB7491d5F3D794316F1adE197B21E TUSD    18 stable  -       medium superchain
0x0b2C639c533813f4Aa9D7837CAf62653d097Ff85 USDC     6 stable  issued  high   aave,gelato,llama_usdc,superchain,uniswap
0x7F5c764cBc14f9669B88837ca1490cCa17c31607 USDC.e   6 stable  bridged high   aave,llama_usdc,superchain,uniswap USDC
0x7113370218f31764C1B6353BDF6004d86fF6B9cc USDD    18 stable  -       medium superchain
0x94b008aA00579c1307B0EF2c499aD98a8ce58e58 USDT     6 stable  bridged high   aave,llama_usdt,superchain
0x01bFF41798a0BcF287b996046Ca68b395DbC1071 USDT0    6 stable  bridged high   llama_usdt,superchain,uniswap USD₮0
0xadDb6A0412DE1BA0F936DCaeb8Aaa24578dcF3B2 cbETH   18 wrapped -       medium superchain
0x9Bcef72be871e61ED4fBbc7630889beE758eb81D rETH    18 wrapped -       high   aave,superchain
0x2218a117083f5B482B0bB821d27056Ba9c04b1D3 sDAI    18 wrapped -       medium superchain
0x68f180fcCe6836688e9084f035309E29Bf0A2095 WBTC     8 wrapped -       high   aave,superchain
0x346e03F8Cce9fE01dCB3d0Da3e9D00dC2c0E08f0 weETH   18 wrapped -       medium superchain
0x4200000000000000000000000000000000000006 WETH    18 wrapped -       high   aave,superchain
0x1F32b1c2345538c0c6f582fCB022739c4A194Ebb wstETH  18 wrapped -       high   aave,superchain
""",
    "base": """
0x00000000eFE302BEAA2b3e6e1b18d08D69a9012a AUSD     6 stable  -       medium uniswap
0x417Ac0e078398C154EdFadD9Ef675d30Be60Af93 crvUSD  18 stable  -       medium superchain
0x50c5725949A6F0c72E6C4a641F24049A917DB0Cb DAI     18 stable  -       high   superchain,uniswap
0x60a3E35Cc302bFA44Cb288Bc5a4F316Fdb1adb42 EURC     6 stable  -       high   aave,uniswap
0x6Bb7a212910682DCFdbd5BCBb3e28FB4E8da10Ee GHO     18 stable  -       medium aave
0x368181499736d0c0CC614DBB145E2EC1AC86b8c6 LUSD    18 stable  -       medium superchain
0xd9aAEc86B65D86f6A7B5B1b0c42FFA531710b6CA USDbC    6 stable  bridged high   aave,llama_usdc,superchain,uniswap
0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913 USDC     6 stable  issued  high   aave,gelato,llama_usdc,superchain,uniswap
0xfde4C96c8593536E31F229EA8f37b2ADa2699bb2 USDT     6 stable  -       medium superchain
0x102d758f688a4C1C5a80b116bD945d4455460282 USD₮0    6 stable  -       medium superchain
0xcbB7C0000aB88B473b1f5aFd9ef808440eed33Bf cbBTC    8 wrapped -       high   aave,uniswap
0x2Ae3F1Ec7F1F5012CFEab0185bfc7aa3cf0DEc22 cbETH   18 wrapped -       high   aave,superchain,uniswap
0xB6fe221Fe9EeF5aBa221c348bA20A1Bf5e73624c rETH    18 wrapped -       medium superchain
0x99aC4484e8a1dbd6A185380B3A811913Ac884D87 sDAI    18 wrapped -       medium superchain
0x236aa50979D5f3De3Bd1Eeb40E81137F22ab794b tBTC    18 wrapped -       high   aave,superchain
0x04C0599Ae5A44757c0af6F9eC3b93da8976c150A weETH   18 wrapped -       medium aave
0x4200000000000000000000000000000000000006 WETH    18 wrapped -       high   aave,superchain,uniswap
0xc1CBa3fCea344f92D9239c08C0568f6F2F0ee452 wstETH  18 wrapped -       high   aave,superchain
""",
    "avalanche": """
0x00000000eFE302BEAA2b3e6e1b18d08D69a9012a AUSD     6 stable  -       high   aave,traderjoe,uniswap
0xd586E7F844cEa2F87f50152665BCbc2C279D8d70 DAI.e   18 stable  -       high   aave,traderjoe,uniswap
0xC891EB4cbdEFf6e073e859e987815Ed1505c2ACD EURC     6 stable  -       high   aave,traderjoe,uniswap
0xD24C2Ad096400B6FBcd2ad8B24E7acBc21A1da64 FRAX    18 stable  -       high   aave,traderjoe
0xfc421aD3C883Bf9E7C4f42dE845C4e4405799e73 GHO     18 stable  -       medium aave
0x5c49b268c9841AFF1Cc3B0a418ff5c3442eE3F3b MAI     18 stable  -       medium aave
0xB97EF9Ef8734C71904D8002F8b6Bc66Dd9c48a6E USDC     6 stable  issued  high   aave,gelato,llama_usdc,traderjoe,uniswap
0xA7D7079b0FEaD91F3e65f86E8915Cb59c1a4C664 USDC.e   6 stable  bridged high   llama_usdc,traderjoe
0x5d3a1Ff2b6BAb83b63cd9AD0787074081a52ef34 USDe    18 stable  -       medium aave
0x9702230A8Ea53601f5cD2dc00fDBc13d4dF4A8c7 USDT     6 stable  issued  high   aave,llama_usdt,traderjoe USDt
0xc7198437980c041c805A1EDcbA50c1Ce5db95118 USDT.e   6 stable  bridged high   llama_usdt,traderjoe
0x152b9d0FdC40C096757F570A51E494bd4b943E50 BTC.b    8 wrapped -       high   aave,traderjoe
0x211Cc4DD073734dA055fbF44a2b4667d5E5fE5d2 sUSDe   18 wrapped -       medium aave
0xB31f66AA3C1e785363F0875A1B74E27b85FD66c7 WAVAX   18 wrapped -       high   aave,traderjoe,uniswap
0x0555E30da8f98308EdB960aa94C0Db47230d2B9c WBTC     8 wrapped -       medium traderjoe
0x50b7545627a5162F82A992c33b87aDc75187B218 WBTC.e   8 wrapped -       high   aave,traderjoe
0x49D5c2BdFfac6CE2BFdB6640F4F80f226bc10bAB WETH.e  18 wrapped -       high   aave,traderjoe
""",
    "tron": """
TUpMhErZL2fhh4sVNULAbNKLokS4GjC1F4         TUSD    18 stable  issued  high   justlend,llama_tusd,rabbit,uniblow
TEkxiTehnzSmSe2XqrBj4w32RUN966rdz8         USDC     6 stable  issued  high   llama_usdc,rabbit,trustwallet,uniblow
TXDk8mbtRbXeYuMNS83CfKPaYYT8XWv9Hz         USDD     - stable  issued  low    llama_usdd
TPYmHEhy5n8TCEfYGqW2rPxsghSfzghPDn         USDD    18 stable  -       high   rabbit,uniblow
TMwFHYXLJaRUPeW6421aqXL4ZEzPRFGkGT         USDJ    18 stable  -       high   justlend,uniblow
TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t         USDT     6 stable  issued  high   justlend,llama_usdt,rabbit,uniblow
TN3W4H6rK2ce4vX9YnFQHwKENnHjoxb3m9         BTC      8 wrapped -       high   justlend,uniblow
THb4CqiFdwNHsWsQCs4JhzwjMWys4aqCbF         ETH     18 wrapped -       high   justlend,uniblow
TXpw8XeWYeTUd4quDskoUqeQPowRh4jY65         WBTC     - wrapped -       low    uniblow
TNUC9Qb1rRpS5CbWLmNMxXBjyFoydXjWFR         WTRX     6 wrapped -       high   rabbit,trustwallet,uniblow
""",
}

NOTES: dict[tuple[str, str], str] = {
    (
        "ethereum",
        "0xEB4C2781e4ebA804CE9a9803C67d0893436bB27D",
    ): "A bitcoin held by the Ren bridge; burning it gave bitcoin back elsewhere.",
    ("bsc", "0x40af3827F39D0EAcBF4A168f8D4ee67c121D11c9"): "Newer TUSD on this chain; an older list shows 0x14016e...",
    (
        "bsc",
        "0x14016E85a25aeb13065688cAFB43044C2ef86784",
    ): "Older TUSD on this chain (2022 list); a newer list shows 0x40af38... Two contracts with one symbol.",
    ("bsc", "0x8AC76a51cc950d9822D68b83fE1Ad97B32Cd580d"): "18 decimals here, 6 on Ethereum.",
    ("bsc", "0x55d398326f99059fF775485246999027B3197955"): "18 decimals here, 6 on Ethereum.",
    (
        "polygon",
        "0xc2132D05D31c914a87C6611C10748AEb04B58e8F",
    ): "Older lists call it USDT, newer ones USDT0: same contract, changed name.",
    (
        "polygon",
        "0x0d500B1d8E8eF31E21C99d1Db9A6444d3ADf1270",
    ): "Called WMATIC in older lists, WPOL in newer ones: same contract.",
    (
        "arbitrum",
        "0xFd086bC7CD5C481DCC9C85ebE478A1C0b69FCbb9",
    ): "Older lists call it USDT, newer ones USDT0: same contract, changed name.",
    (
        "optimism",
        "0x94b008aA00579c1307B0EF2c499aD98a8ce58e58",
    ): "The older bridged USDT; USDT0 on this chain is a different contract (0x01bFF4...).",
    ("tron", "TXDk8mbtRbXeYuMNS83CfKPaYYT8XWv9Hz"): "Newer USDD contract; decimals not read, so left empty.",
    (
        "tron",
        "TPYmHEhy5n8TCEfYGqW2rPxsghSfzghPDn",
    ): "Marked old in its sources. USDD in the 2023 lists; a different contract is named as issued today (TXDk8m...).",
    (
        "tron",
        "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
    ): "One stored version of the Trust Wallet entry was a vandalised copy and was not used.",
    ("tron", "THb4CqiFdwNHsWsQCs4JhzwjMWys4aqCbF"): "Marked old in its sources.",
    ("tron", "TXpw8XeWYeTUd4quDskoUqeQPowRh4jY65"): "One source only; decimals not read.",
}
